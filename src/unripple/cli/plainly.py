"""Errors that a user can mend, told in a line instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def told_plainly(*errors: type[Exception]) -> Iterator[None]:
    """The message of any of these errors on stderr, and exit code 1."""
    try:
        yield
    except errors as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
