"""What a run does before Snakemake: which arguments make it a dry one."""

from __future__ import annotations

from importlib import import_module

import pytest

import restore


@pytest.mark.parametrize(
    "arguments", [["-n"], ["--dry-run"], ["--dryrun"], ["-np"], ["-pn", "all"], ["--cores", "2", "-nq"], ["-kn"]]
)
def test_these_only_look(arguments: list[str]) -> None:
    assert restore.is_dry(arguments)


@pytest.mark.parametrize("arguments", [[], ["-p"], ["--nolock"], ["--", "-n"], ["-Rinvert"], ["-j2"], ["-Uinvert"]])
def test_these_make_results(arguments: list[str]) -> None:
    assert not restore.is_dry(arguments)


def test_the_letters_that_may_stand_together_are_snakemakes() -> None:
    actions = import_module("snakemake.cli").get_argument_parser()._actions
    options = [(one, action.nargs) for action in actions for one in action.option_strings]
    assert set(restore.FLAGS) == {one[1] for one, values in options if len(one) == 2 and values == 0}
