"""What a run does before Snakemake: which arguments make it a dry one."""

from __future__ import annotations

import pytest

import restore


@pytest.mark.parametrize(
    "arguments", [["-n"], ["--dry-run"], ["--dryrun"], ["-np"], ["-pn", "all"], ["--cores", "2", "-nq"]]
)
def test_these_only_look(arguments: list[str]) -> None:
    assert restore.is_dry(arguments)


@pytest.mark.parametrize("arguments", [[], ["-p"], ["--nolock"], ["--", "-n"], ["--config", "models=lite"], ["-j2"]])
def test_these_make_results(arguments: list[str]) -> None:
    assert not restore.is_dry(arguments)
