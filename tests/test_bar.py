"""The bar that a terminal shows under Snakemake's lines."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_bar import Jobs

#: Two jobs: one tells of photos in its log, and ends when the test has seen them; the other waits for the first.
SNAKEFILE = """
rule all:
    input: "b.txt"
rule a:
    output: "a.txt"
    log: "a.log"
    shell: "echo '12 of 30 photos, 1.00 a second' > {log}; while [ ! -e seen ]; do sleep 0.05; done; touch {output}"
rule b:
    input: "a.txt"
    output: "b.txt"
    shell: "touch {output}"
"""


def hear(log: Path) -> Jobs:
    """Three jobs, of which one is done, one has failed, and one runs."""
    jobs = Jobs()
    for event, told in (
        (LogEvent.RUN_INFO, {"stats": {"edit": 2, "total": 3}}),
        (LogEvent.JOB_INFO, {"jobid": 5, "rule_name": "edit", "log": [str(log)]}),
        (LogEvent.JOB_INFO, {"jobid": 7, "rule_name": "edit", "log": ["none.log"]}),
        (LogEvent.JOB_INFO, {"jobid": 8, "rule_name": "latest", "log": []}),
        (LogEvent.JOB_FINISHED, {"job_id": 8}),
        (LogEvent.PROGRESS, {"done": 1, "total": 3}),
        (LogEvent.JOB_ERROR, {"jobid": 7, "rule_name": "edit"}),
        (None, {}),
    ):
        jobs.hear(logging.makeLogRecord({"event": event, **told}))
    return jobs


def test_a_running_job_counts_by_its_photos(tmp_path: Path) -> None:
    log = tmp_path / "edit.log"
    log.write_text("3 of 30 photos, 1.00 a second\n12 of 30 photos, 1.00 a second\nsome words\n")
    done, words = hear(log).state()
    assert done == pytest.approx(1.4)
    assert words == "1/3 jobs, edit 12/30 photos"


def test_a_job_whose_log_tells_nothing_counts_when_it_is_done(tmp_path: Path) -> None:
    assert hear(tmp_path / "none.log").state() == (1, "1/3 jobs, edit")


def start(folder: Path, *arguments: str, output: int) -> subprocess.Popen[bytes]:
    """Snakemake with its bar in a folder of its own."""
    (folder / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--logger", "bar", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)


def test_lines_and_the_bar_on_a_terminal(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, 120))
    shown = start(tmp_path, output=its)
    os.close(its)
    seen = ""
    with os.fdopen(ours, errors="replace", newline="") as terminal:
        while "a 12/30 photos" not in seen:
            seen += terminal.read(1)
        (tmp_path / "seen").touch()
        with suppress(OSError):  # how Linux says that the other side has ended
            while said_more := terminal.read(1):
                seen += said_more
    assert shown.wait(60) == 0
    assert "13%|" in seen and "0/3 jobs, a 12/30 photos" in seen
    assert "\x1b[32m" in seen and "3 of 3 steps (100%) done" in seen
    lines = [line.rpartition("\r")[2] for line in seen.split("\r\n")]
    assert "localrule b:" in lines and not lines[-1].strip()  # the bar is gone
    assert not any("jobs, " in line for line in lines)


def test_without_a_terminal_there_are_the_lines_alone(tmp_path: Path) -> None:
    (tmp_path / "seen").touch()
    run = start(tmp_path, output=subprocess.PIPE)
    printed, _ = run.communicate()
    assert run.returncode == 0
    assert b"localrule b:\n" in printed and b"jobs," not in printed and b"\r" not in printed and b"\x1b" not in printed
