"""The bar that a terminal shows under Snakemake's lines."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest

import bar

SAID = """\
Job stats:
job      count
-----  -------
edit         2
total        3

[Wed Nov 25 02:59:29 2026]
rule edit:
    input: inversions.json
    output: 02.json
    log: {log} (check log file(s) for error details)
    jobid: 5
    resources: tmpdir=/tmp, photos=30
rule edit:
    log: none.log
    jobid: 7
localrule latest:
    output: summary.txt
    jobid: 8
[Wed Nov 25 03:00:02 2026]
Finished jobid: 8 (Rule: latest)
1 of 3 steps (33%) done
Error in rule edit:
    message: None
    jobid: 7
"""


#: Stands for Snakemake: says the lines, waits until they are gone, and ends with a status of its own.
TALKS = """
import os, sys, time
print("\\x1b[33m" + open(sys.argv[1]).read() + "\\x1b[0m", "a terminal" if sys.stdout.isatty() else "none", flush=True)
while os.path.exists(sys.argv[1]): time.sleep(0.05)
sys.exit(7)
"""
RUNS = """
import subprocess, sys, bar
sys.exit(bar.run(lambda terminal: subprocess.Popen(sys.argv[1:], stdout=terminal, stderr=terminal)))
"""


def hear(log: Path) -> bar.Jobs:
    jobs = bar.Jobs()
    for line in SAID.format(log=log).splitlines():
        jobs.hear(line)
    return jobs


def test_a_running_job_counts_by_its_photos(tmp_path: Path) -> None:
    log = tmp_path / "edit.log"
    log.write_text("3 of 30 photos, 1.00 a second\n12 of 30 photos, 1.00 a second\nsome words\n")
    done, words = hear(log).state()
    assert done == pytest.approx(1.4)
    assert words == "1/3 jobs, edit 12/30 photos"


def test_a_job_whose_log_tells_nothing_counts_when_it_is_done(tmp_path: Path) -> None:
    assert hear(tmp_path / "none.log").state() == (1, "1/3 jobs, edit")


def test_lines_and_the_bar_on_a_terminal(root: Path, tmp_path: Path) -> None:
    log, said = tmp_path / "edit.log", tmp_path / "said.txt"
    log.write_text("12 of 30 photos\n")
    said.write_text(SAID.format(log=log))
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 120))
    shown = subprocess.Popen(
        [sys.executable, "-c", RUNS, sys.executable, "-c", TALKS, str(said)],
        cwd=root / "workflow/runner",
        stdout=its,
        stderr=its,
    )
    os.close(its)
    seen = ""
    with os.fdopen(ours, errors="replace", newline="") as terminal:
        while "edit 12/30 photos" not in seen:
            seen += terminal.read(1)
        said.unlink()
        with suppress(OSError):  # how Linux says that the other side has ended
            while said_more := terminal.read(1):
                seen += said_more
        assert shown.wait(60) == 7
    assert "47%|" in seen and "rule edit:" in seen and "a terminal" in seen
