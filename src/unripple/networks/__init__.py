"""Torch modules only, one file per paper. Networks know nothing of stages, files or workflows."""
