from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import run
from unripple.settings import parameters, reference
from unripple.settings.study import Edit, Ripple, Study


def test_the_shipped_parameters_are_the_defaults(root: Path) -> None:
    assert parameters.load(root / "params.yaml") == Study()


def test_the_shipped_parameters_name_every_setting(root: Path) -> None:
    shipped = yaml.safe_load((root / "params.yaml").read_text())
    assert {name: value.keys() if isinstance(value, dict) else None for name, value in shipped.items()} == {
        name: value.keys() if isinstance(value, dict) else None for name, value in Study().model_dump().items()
    }


def test_settings_load_without_torch() -> None:
    """Snakemake reads them once more inside every job on a cluster."""
    modules = (
        "unripple.photos.album, unripple.settings.parameters, unripple.settings.sweep, unripple.weights.published.unmet"
    )
    loaded = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], check=True)


def test_overrides_win_and_leave_their_neighbours(root: Path) -> None:
    study = parameters.load(root / "params.yaml", {"ripple": {"dilate": 15}})
    assert study.ripple == Ripple(dilate=15)
    assert study.edit == Edit()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"ripple": {"dilate": -3}}, "params.yaml: ripple.dilate = -3: expected an integer >= 0 and <= 128"),
        ({"ripple": {"dilate": 2.5}}, "params.yaml: ripple.dilate = 2.5: expected an integer >= 0 and <= 128"),
        ({"ripple": {"dilate": True}}, "params.yaml: ripple.dilate = true: expected an integer >= 0 and <= 128"),
        ({"ripple": {"operation": "nand"}}, "params.yaml: ripple.operation = nand: expected one of and_not, xor, or"),
        ({"ripple": 3}, "params.yaml: ripple = 3: expected a section with the keys operation, original, dilate"),
        (
            {"ripple": {"dilat": 3}},
            "params.yaml: ripple.dilat: unknown key; expected one of operation, original, dilate",
        ),
        ({"edit": {"degrees": []}}, "params.yaml: edit.degrees = []: expected a list (not empty)"),
        ({"edit": {"degrees": [1, 0]}}, "params.yaml: edit.degrees[1] = 0: expected a number other than 0"),
        ({"edit": {"degrees": [1, 1.0]}}, "expected a list without repeats"),
        ({"edit": {"degrees": [float("nan")]}}, "params.yaml: edit.degrees[0] = .nan: expected a number"),
        ({"edit": {"degrees": [0.00001]}}, "edit.degrees[0] = 1.0e-05: expected a number of at most 4 decimals"),
        ({"edit": {"degrees": [3, 3.0000001]}}, "edit.degrees[1] = 3.0000001: expected a number of at most 4 decimals"),
        ({"edit": {"degrees": [n / 100 for n in range(1, 102)]}}, "expected a list (not empty) of at most 100"),
        ({"parse": {"threshold": 0.00001}}, "parse.threshold = 1.0e-05: expected a number of at most 4 decimals"),
        ({"images": {"size": 300}}, "params.yaml: images.size = 300: expected one of 256, 512, 1024"),
        ({"methods": ["e4e"]}, "params.yaml: methods = [e4e]: expected a list with hfgi in it"),
        ({"study": {"photos": None}}, "params.yaml: study.photos = null: expected a text (not empty)"),
        (
            {"inpaint": {"model": "big-lama"}},
            "big-lama: expected one of lama-lite, telea, patchmatch with models = lite",
        ),
        ({"inpaint": {"ring": 129}}, "params.yaml: inpaint.ring = 129: expected an integer >= 0 and <= 128"),
        (
            {"models": "published", "inpaint": {"model": "lama-lite"}},
            "inpaint.model = lama-lite: expected one of big-lama, telea, patchmatch with models = published",
        ),
        (
            {"models": "published", "invert": {"method": "hybrid"}},
            "params.yaml: invert.method = hybrid: expected one of e4e, psp, i2s, pti with models = published",
        ),
        ({"invert": {"method": "psp"}}, "invert.method = psp: expected one of hybrid, e4e, i2s, pti with models ="),
        ({"invert": {"steps": 0}}, "invert.steps = 0: expected 1 or more with invert.method = hybrid"),
        ({"invert": {"method": "e4e", "steps": 4}}, "invert.steps = 4: expected 0 with invert.method = e4e"),
        ({"invert": {"steps": "much"}}, "invert.steps = much: expected auto or an integer >= 0 and <= 100000"),
        ({"study": {"aligned": 1}}, "params.yaml: study.aligned = 1: expected true or false"),
        ({"study": {"split": "tset"}}, "params.yaml: study.split = tset: expected one of all, train, val, test"),
        (
            {"models": "published", "ripple": {"operation": "learned"}},
            "params.yaml: ripple.operation = learned: expected one of and_not, xor, or with models = published; the"
            " network that finds ripples knows those of the lite set alone",
        ),
        ({"models": "publised"}, "params.yaml: models = publised: expected one of lite, published"),
    ],
)
def test_a_wrong_value_is_refused_by_key_value_and_what_is_allowed(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(parameters.ConfigError) as refusal:
        parameters.check({}, "params.yaml", overrides)
    assert message in str(refusal.value)


@pytest.mark.parametrize("given", ["auto", None])
def test_what_is_left_open_is_chosen_by_the_set_of_models(root: Path, given: str | None) -> None:
    open_ended = {} if given is None else {"invert": {"method": given, "steps": given}, "inpaint": {"model": given}}
    for models, inverter, inpainter in (("lite", "hybrid-8", "patchmatch"), ("published", "e4e", "big-lama")):
        study = parameters.check({"models": models} | open_ended, "params.yaml")
        assert (study.invert.spelled(), study.inpaint.model) == (inverter, inpainter)
        assert parameters.load(root / "params.yaml", {"models": models}) == study


def test_what_is_said_is_not_chosen_otherwise() -> None:
    study = parameters.check({"invert": {"method": "e4e"}, "inpaint": {"model": "telea"}}, "params.yaml")
    assert (study.invert.spelled(), study.inpaint.model) == ("e4e", "telea")
    study = parameters.check({"invert": {"method": "i2s"}}, "params.yaml")
    assert study.invert.spelled() == "i2s-100"


@pytest.mark.parametrize("models", ["lite", "published"])
def test_an_inpainters_own_setting_is_in_its_name_and_in_no_others(models: str) -> None:
    for inpainter, spelled in (("patchmatch", "patchmatch-31"), ("telea", "telea")):
        study = parameters.check({"models": models, "inpaint": {"model": inpainter, "ring": 31}}, "params.yaml")
        assert study.inpaint.spelled() == spelled


def test_every_wrong_value_has_its_line() -> None:
    with pytest.raises(parameters.ConfigError) as refusal:
        parameters.check({"ripple": {"dilate": -1, "operation": "no"}, "parse": {"threshold": 1}}, "mine.yaml")
    assert [line.split(" = ")[0] for line in str(refusal.value).splitlines()] == [
        "mine.yaml: parse.threshold",
        "mine.yaml: ripple.operation",
        "mine.yaml: ripple.dilate",
    ]


@pytest.mark.parametrize("text", ["ripple: [", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_parameter_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(parameters.ConfigError, match=r"params\.yaml, line \d+: "):
        parameters.load(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edit:\n  degrees: [3]\n\tattribute: pose\n", r"params\.yaml, line 3: expected spaces, found a tab"),
        ("\tedit: 3\n", r"params\.yaml, line 1: expected spaces, found a tab"),
        ("- edit\n- ripple\n", r"params\.yaml, line 1: expected sections such as 'ripple:', found \['edit'"),
        ("just words", r"params\.yaml, line 1: expected sections such as 'ripple:', found just words"),
        (
            "edit: {degrees: [3]}\nripple: {dilate: 3}\nedit: {attribute: pose}\n",
            r"params\.yaml, line 3: 'edit' is there a second time, first in line 1; expected each key once",
        ),
        ("ripple:\n  dilate: 3\n  dilate: 4\n", r"params\.yaml, line 3: 'dilate' is there a second time"),
        ("edit: [3\nripple: 4\n", r"params\.yaml, line 2: not readable as YAML: .*found 'ripple: 4'"),
    ],
)
def test_what_is_no_yaml_is_told_by_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(parameters.ConfigError, match=said) as refusal:
        parameters.load(file)
    assert len(str(refusal.value).splitlines()) == 1
    run.PARAMS, before = file, run.PARAMS
    try:
        with pytest.raises(SystemExit, match=said):
            run.check_settings(["--cores", "2"])
    finally:
        run.PARAMS = before
    with pytest.raises(SystemExit, match=said):
        run.check_settings(["--cores", "2", "--configfile", str(file), "--", "all"])


def test_many_degrees_have_a_short_name() -> None:
    assert Edit(degrees=[-3.0, 1.5]).spelled_degrees() == "-3_1.5"
    names = {Edit(degrees=[n / 100 for n in range(1, count)]).spelled_degrees() for count in (60, 61, 100)}
    assert len(names) == 3 and all(len(name) < 20 for name in names)
    assert Edit(degrees=[0.0001]).spelled_degrees() == "0.0001"


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(parameters.ConfigError, match=r"none\.yaml: no such parameter file"):
        parameters.load(tmp_path / "none.yaml")


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").touch()
    assert parameters.load(tmp_path / "params.yaml") == Study()


@pytest.mark.parametrize(
    ("file", "generated"),
    [(reference.SCHEMA, reference.schema_text()), (reference.DOCS, reference.reference_text())],
)
def test_generated_files_are_up_to_date(root: Path, file: Path, generated: str) -> None:
    found = (root / file).read_text()
    difference = difflib.unified_diff(found.splitlines(), generated.splitlines(), str(file), "make docs", lineterm="")
    assert found == generated, "run `make docs`:\n" + "\n".join(difference)
