"""Where the project lies, from whichever folder a command is called."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: The project whose sources this is; of an installed wheel a folder without models.
PROJECT: Final = Path(__file__).resolve().parents[3]


def of_project(path: Path) -> Path:
    """A path of the project: in the current folder if it is there, else where the project lies, if it is there."""
    at_home = PROJECT / path
    return at_home if not path.exists() and at_home.exists() else path
