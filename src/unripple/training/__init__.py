"""Training of the ``lite`` networks. README.md beside this file says what waits for a GPU."""
