"""The command ``unripple``: one file for each of its subcommands."""
