"""docs/weights.md says what the manifest says."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.weights.published import reference
from unripple.weights.published.manifest import manifest


def test_the_page_has_the_table_of_the_manifest(root: Path) -> None:
    page = (root / reference.PAGE).read_text(encoding="utf-8")
    assert page == reference.renewed(page), "run `make docs`"


def test_every_file_is_a_row_with_all_its_sources() -> None:
    rows = reference.table().splitlines()[2:]
    assert len(rows) == len(manifest())
    for row, weights in zip(rows, manifest().values(), strict=True):
        assert f"`{weights.file}`" in row
        assert weights.licence in row
        assert row.count("](https://") + row.count("`torchvision:") == len(weights.sources)


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the marks"):
        reference.renewed("no table here")
