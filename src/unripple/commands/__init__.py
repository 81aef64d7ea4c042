"""Subcommands of ``unripple`` that are about finished studies."""
