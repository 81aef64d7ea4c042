"""Writing tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from unripple.files.atomic import atomic


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV without its index, numbers with 8 significant digits."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.8g", lineterminator="\n")
