"""Files of settings to compare: what they expand to, and which mistakes are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from unripple.settings import sweep
from unripple.settings.parameters import ConfigError


def load(tmp_path: Path, text: str) -> list[sweep.Combination]:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    return sweep.load(path, {"ripple": {"original": "inversion"}})


def test_every_combination_over_the_study(tmp_path: Path) -> None:
    found = load(tmp_path, "ripple: {operation: [and_not, xor], dilate: {from: 4, to: 12, step: 4}}")
    assert [one.values for one in found] == [
        {"ripple.operation": operation, "ripple.dilate": dilate}
        for operation in ("and_not", "xor")
        for dilate in (4, 8, 12)
    ]
    assert found[4].study.ripple.model_dump() == {"operation": "xor", "original": "inversion", "dilate": 8}
    assert found[4].label == "ripple.operation=xor, ripple.dilate=8"


def test_ranges_of_fractions_are_exact_and_hold_both_ends(tmp_path: Path) -> None:
    found = load(tmp_path, "parse: {threshold: {from: 0.1, to: 0.7, step: 0.1}}")
    assert [one.study.parse.threshold for one in found] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_lists_of_degrees(tmp_path: Path) -> None:
    found = load(tmp_path, "edit: {degrees: [[-3.0, 3.0], [3.0]]}")
    assert [one.study.edit.degrees for one in found] == [[-3, 3], [3]]
    assert found[0].label == "edit.degrees=-3.0 3.0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ripple: {dilate: [4, -1]}", r"sweep.yaml: ripple.dilate = -1: expected an integer >= 0"),
        ("ripple: {dilate: [4, 999], operation: [or, nor]}", r"ripple.operation = nor(.|\n)*ripple.dilate = 999"),
        ("ripple: {dilated: [4]}", r"ripple.dilated: unknown key"),
        ("ripple: {dilate: 4}", r"ripple.dilate = 4: expected a list"),
        ("ripple: {dilate: []}", r"ripple.dilate = \[\]: expected a list"),
        ("ripple: {dilate: [4, 4]}", r"without repeats"),
        ("ripple: {dilate: {from: 9, to: 4, step: 1}}", r"from <= to"),
        ("ripple: {dilate: {from: 1, to: 4, step: 0}}", r"step > 0"),
        ("ripple: {dilate: {from: 1, to: 4}}", r"three numbers"),
        ("ripple: 4", r"ripple: expected settings"),
        ("study: {seed: [1, 2]}", r"study: cannot differ within one run"),
        ("models: [lite, published]", r"models: cannot differ within one run"),
        ("compute: {deterministic: [true, false]}", r"compute.deterministic: cannot differ within one run"),
        ("inpaint: {model: [big-lama]}", r"inpaint.model = big-lama"),
        ("[1, 2]", r"expected sections"),
        ("ripple: [", r"sweep.yaml, line 1: not readable as YAML"),
        (
            "ripple: {dilate: [4]}\nripple: {operation: [or, xor]}",
            r"sweep.yaml, line 2: 'ripple' is there a second",
        ),
        ("edit: {attribute: [pose, smile]}", r"edit.attribute = .*: expected one attribute"),
        ("edit: {degrees: [[-3.0], [3.0]]}", r"edit.degrees: expected lists with a degree in common"),
        ("edit: {degrees: [[0.00001], [3.0]]}", r"edit.degrees.0. = 1.0e-05: expected a number of at most 4 decimals"),
        ("{}", r"at least one setting"),
        ("ripple: {dilate: {from: 0, to: 100, step: 1}}\ncomposite: {feather: [1, 2, 3, 4, 5]}", r"505 combinations"),
    ],
)
def test_mistakes_are_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (
            {"methods": ["e4e", "hfgi"]},
            r"methods = .*: expected one that is ranked, ada_pose, bitwise_or, layered,",
        ),
        ({"study": {"known_plate": 0}}, r"st-lpips-alex_band compares with the true edit.*known_plate above 0"),
        ({"study": {"known_plate": 0}, "metrics": {"rank": "yaw_turned"}}, r"yaw_turned compares with the true edit"),
        (
            {"metrics": {"rank": "harm"}},
            r"harm says nothing of which is better where the true edit is known.*psnr_person",
        ),
    ],
)
def test_a_study_in_which_nothing_can_be_ranked_is_refused_first(
    tmp_path: Path, base: dict[str, object], said: str
) -> None:
    (tmp_path / "sweep.yaml").write_text("ripple: {dilate: [4, 8]}")
    with pytest.raises(ConfigError, match=said):
        sweep.load(tmp_path / "sweep.yaml", base)
    for rank in ("seam", "harm"):
        assert sweep.load(tmp_path / "sweep.yaml", {"study": {"known_plate": 0}, "metrics": {"rank": rank}})


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.yaml: no such file"):
        sweep.load(tmp_path / "absent.yaml", {})


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[1].glob("params/sweeps/*.yaml")), ids=lambda p: p.name)
def test_the_files_of_the_project_can_be_compared(path: Path) -> None:
    assert len(sweep.load(path, {})) > 1
