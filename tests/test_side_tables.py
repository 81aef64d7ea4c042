"""The page's tables beside the main one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn_study import EVIL, FACTS, face, page
from test_metrics_inversion import rows as inversion_rows
from test_metrics_photo_sets import METHODS, study

from unripple.metrics.inversion_table import summarise_inversion
from unripple.metrics.photo_sets import summarise_real, with_truth
from unripple.metrics.table import summarise
from unripple.report.side_tables import SideTable, inversions, real_photos


@pytest.fixture(scope="module")
def beside() -> list[SideTable]:
    table = study(2, 3)
    real = real_photos(
        summarise_real(table, resamples=100, seed=0), summarise(with_truth(table), resamples=100), METHODS
    )
    return [*real, *inversions(summarise_inversion(inversion_rows(), resamples=100, seed=0))]


def test_the_page_shows_them_below_the_main_table(beside: list[SideTable]) -> None:
    text = page([face("ann")], beside=beside)
    places = [text.index(words) for words in ("The table</h3>", ">Real photos</h3>", ">Inversions</h3>", 'id="plots"')]
    assert places == sorted(places)
    assert text.count("<table") == page([face("ann")]).count("<table") + 4
    for table in beside:
        assert f"<caption>{table.caption}</caption>" in text
        assert f'aria-label="{table.caption}"' in text
    assert "Nobody knows the true edits of photos" in text
    assert '<span class="unit">degree −1.5</span>' in text


def test_without_them_the_page_says_nothing_of_them() -> None:
    text = page([face("ann")])
    assert "Real photos" not in text and "Inversions" not in text and "from outside" not in text


def test_pictures_that_another_system_owes_are_listed_apart_from_photos_put_aside() -> None:
    text = page([face("ann")], facts=replace(FACTS, owed={EVIL: "mine: no such picture"}))
    assert text.index("Photos put aside") < text.index("Pictures from outside that cannot be used")
    assert "mine: no such picture" in text and EVIL not in text
