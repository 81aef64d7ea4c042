"""Networks that few studies need: asked for where the settings do, and missed with the way to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.settings.study import Ripple, Study
from unripple.weights.own import missing_own, own_file, own_files, own_names

DEFAULT = Study()
WITH_ROW = Study(methods=["hfgi", "ada_pose"])
LEARNED = Study(ripple=Ripple(operation="learned"))


@pytest.mark.parametrize(
    ("asking", "models", "network", "way"),
    [
        (WITH_ROW, "lite", "ada_pose", "unripple.training.turns` trains it; or take ada_pose out of methods"),
        (WITH_ROW, "published", "ada_pose", "--misalign pose` trains it"),
        (LEARNED, "lite", "ripple_finder", "unripple.training.ripples` trains it; or choose another operation"),
    ],
)
def test_a_study_misses_the_file_that_its_settings_ask_for(
    tmp_path: Path, asking: Study, models: str, network: str, way: str
) -> None:
    file = own_file(tmp_path, network)
    assert missing_own(tmp_path, models, [DEFAULT, Study(methods=["hfgi", "motion_fusion"])]) == []
    (said,) = missing_own(tmp_path, models, [DEFAULT, asking, asking])
    assert said.startswith(f"{file}: no such file") and way in said and "\n" not in said
    file.touch()
    assert missing_own(tmp_path, models, [asking]) == []


def test_the_report_names_what_a_study_asks_for() -> None:
    """By the stem of the file, as the records of its pictures do."""
    assert own_names(DEFAULT) == {}
    assert own_names(WITH_ROW) == {"ada_pose": "ADA trained on true turns"}
    assert own_names(LEARNED) == {"ripple_finder": "ripple-finder-lite"}


def test_the_published_set_has_no_ripple_finder(tmp_path: Path) -> None:
    assert [file.stem for _, file in own_files(tmp_path, "lite")] == ["ada_pose", "ripple_finder"]
    assert [file.stem for _, file in own_files(tmp_path, "published")] == ["ada_pose"]
