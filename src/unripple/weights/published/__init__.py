"""The papers' weights: which files there are, where they come from, whether a file is the right one."""
