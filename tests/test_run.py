"""What a run finds out before Snakemake: which arguments make it a dry one."""

from __future__ import annotations

import pytest

import run


@pytest.mark.parametrize(
    "arguments",
    [
        ["-n"],
        ["--dry-run"],
        ["--dryrun"],
        ["-np"],
        ["--cores", "2", "-nq"],
        ["--slurm-logdir", "logs", "-kn", "--", "all"],
    ],
)
def test_these_only_look(arguments: list[str]) -> None:
    assert run.is_dry(arguments)


@pytest.mark.parametrize("arguments", [[], ["-p"], ["--nolock"], ["--", "-n"], ["-Rinvert"], ["-j2"], ["-Uinvert"]])
def test_these_make_results(arguments: list[str]) -> None:
    assert not run.is_dry(arguments)
