"""The tiny study on a real Slurm: the same bytes as locally, also when a job, the controller or a node is lost.

``make test-slurm`` runs this; it starts a cluster of its own (`lab`) and stops it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from lab import GPU_NODES, NODES, Lab
from test_workflow import Project

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(3000)]

PROFILE = "workflow/profiles/slurm"
#: One portrait in each of two shards.
TINY = {
    "study": {"known_plate": 1, "examples": ["astronaut"], "shards": 3},
    "images": {"size": 256},
    "invert": {"method": "e4e"},
    "edit": {"degrees": [3]},
    "methods": ["e4e", "hfgi", "ripple_inpaint"],
    "metrics": {"bootstrap": 100},
}
#: The profile, but patient with neither Slurm nor the file system, and with no more jobs than the machine bears.
HURRIED = (
    *("--workflow-profile", PROFILE, "--latency-wait", "5", "--jobs", "3"),
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
)
#: What is made for a picture once its edit is cut out, and for the whole study then.
AFTER_RIPPLES = ("fills", "cleaned", "rows")
AT_THE_END = ("tables", "report")


def digests(project: Project) -> dict[str, str]:
    """The checksum of every picture, index and table."""
    results = project.folder / "results"
    files = [path for path in sorted(results.rglob("*")) if path.suffix in (".png", ".json", ".csv", ".txt")]
    return {str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def finished(project: Project) -> dict[Path, tuple[int, int]]:
    """The index of every finished shard, with what changes when it is written anew."""
    found = sorted((project.folder / "results/lite").rglob("*shard~*.json"))
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in found}


def eventually(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    cluster = Lab(folder)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the cluster ends, too
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        left = processes_in(folder, tmp_path_factory.getbasetemp())
        shutil.rmtree(folder)
        signal.signal(signal.SIGTERM, before)
    assert not left, f"still running: {left}"


def processes_in(*folders: Path) -> list[str]:
    """Command lines of the processes that name one of these folders or work in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = (process / "cwd").readlink()
        except OSError:  # ended meanwhile
            continue
        if any(str(folder) in command or place.is_relative_to(folder) for folder in folders):
            found.append(command)
    return found


@pytest.fixture(scope="module")
def local(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study, run without a cluster."""
    project = Project(root, tmp_path_factory.mktemp("local"))
    project.set(**TINY)
    shutil.copy(Path(__file__).parent / "hurried/sitecustomize.py", project.folder / "src")
    status, output = project.run()
    assert status == 0, output
    return project


@pytest.fixture(scope="module")
def clustered(local: Project, tmp_path_factory: pytest.TempPathFactory, lab: Lab) -> Project:
    """The study, run on the cluster without a disturbance: from the same sources, whatever is edited meanwhile."""
    project = Project(local.folder, tmp_path_factory.mktemp("cluster"))
    project.set(**TINY)
    status, output = project.run(*HURRIED)
    assert status == 0, output
    return project


@pytest.fixture
def copied(clustered: Project, tmp_path: Path) -> Project:
    """A copy of the finished study."""
    project = Project.__new__(Project)
    project.folder = tmp_path / "copy"
    shutil.copytree(clustered.folder, project.folder, symlinks=True)
    return project


@pytest.fixture
def half(copied: Project) -> Project:
    """The study when one of its shards is finished, and the other up to its ripple masks."""
    results = copied.folder / "results"
    computed = next(results.glob("lite/default/size~*/invert~*/precision~*"))
    for family in AT_THE_END:
        shutil.rmtree(computed / family)
    for made in [path for family in AFTER_RIPPLES for path in (computed / family).rglob("*") if path.is_file()]:
        if "shard~00." in made.name or made.name.startswith("astronaut."):
            made.unlink()
    for last in [path for path in results.iterdir() if path.is_file()]:
        last.unlink()  # else Snakemake misses nothing
    return copied


def jobs_of(lab: Lab, project: Project) -> list[dict[str, str]]:
    """Slurm's records of the jobs of one study, each with its rule."""
    found = [job for job in lab.jobs() if job["WorkDir"] == str(project.folder)]
    for job in found:
        rule = re.match(r"rule_(.+?)(_wildcards_.*)?$", job["Comment"])
        assert rule is not None, job["Comment"]
        job["rule"] = rule.group(1)
    return found


def running(lab: Lab, project: Project, rule: str, node: str | None = None) -> list[dict[str, str]]:
    return [
        job
        for job in jobs_of(lab, project)
        if job["rule"] == rule and job["JobState"] == "RUNNING" and node in (None, job["NodeList"])
    ]


def assert_whole(project: Project, local: Project, before: dict[Path, tuple[int, int]]) -> None:
    """All is there, byte by byte as on one machine, and no index of ``before`` was written anew."""
    assert digests(project) == digests(local)
    assert before == {path: mark for path, mark in finished(project).items() if path in before}


def end(process: subprocess.Popen[str]) -> str:
    """Wait for a run; what it printed. It must succeed."""
    try:
        output, _ = process.communicate(timeout=1800)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, output
    return output


def test_the_cluster_makes_the_same_bytes(local: Project, clustered: Project) -> None:
    assert digests(clustered) == digests(local)


def test_jobs_had_what_the_profile_asks_for(lab: Lab, clustered: Project, root: Path) -> None:
    asked = yaml.safe_load((root / PROFILE / "config.yaml").read_text())["set-resources"]
    records = jobs_of(lab, clustered)
    assert {"align", "invert", "edit", "fill", "measure", "tabulate", "report"} <= {job["rule"] for job in records}
    for job in records:
        wanted = asked[job["rule"]]
        assert job["JobState"] == "COMPLETED", job
        assert job["Partition"] == wanted["slurm_partition"], job
        assert f"mem={wanted['mem_mb'].split()[0]}M" in job["TRES"].split(","), job
        if wanted.get("gpu"):
            assert job["TresPerJob"] == "gres:gpu:1" and job["NodeList"] in GPU_NODES, job
        else:
            assert "TresPerJob" not in job and job["NodeList"] in NODES, job
    assert len({job["NodeList"] for job in records}) > 1


def test_a_cancelled_job_is_done_again(lab: Lab, half: Project, local: Project) -> None:
    before = finished(half)
    run = half.start(*HURRIED)
    eventually(lambda: bool(running(lab, half, "fill")), "a fill that runs")
    cancelled = running(lab, half, "fill")[0]
    subprocess.run(["scancel", cancelled["JobId"]], check=True)
    output = end(run)
    assert "Trying to restart job" in output
    assert_whole(half, local, before)
    again = [job["JobState"] for job in jobs_of(lab, half) if job["Comment"] == cancelled["Comment"]]
    assert sorted(again) == ["CANCELLED", "COMPLETED"]


def test_a_killed_controller_leaves_nothing_to_repair(lab: Lab, half: Project, local: Project) -> None:
    before = finished(half)
    run = half.start(*HURRIED)
    eventually(lambda: bool(running(lab, half, "ripple_inpaint")), "a job that runs after the fill")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    orphans = running(lab, half, "ripple_inpaint")
    between = {path: mark for path, mark in finished(half).items() if path not in before}
    assert orphans and between and all("/fills/" in str(path) for path in between)
    output = end(half.start(*HURRIED))
    assert "cancelled jobs that an earlier run left on the cluster" in output
    assert_whole(half, local, before | between)
    assert [job["JobState"] for job in jobs_of(lab, half) if job["JobId"] == orphans[0]["JobId"]] == ["CANCELLED"]


def test_a_lost_node_costs_only_its_jobs(lab: Lab, half: Project, local: Project) -> None:
    before = finished(half)
    run = half.start(*HURRIED)
    eventually(lambda: bool(running(lab, half, "fill")), "a fill that runs")
    lost = running(lab, half, "fill")[0]
    try:
        lab.crash_node(lost["NodeList"])
        end(run)
    finally:
        lab.start_node(lost["NodeList"])
    assert_whole(half, local, before)
    last = [record for record in jobs_of(lab, half) if record["Comment"] == lost["Comment"]][-1]
    assert last["JobState"] == "COMPLETED" and last["NodeList"] != lost["NodeList"], last


def test_settings_side_by_side_share_what_they_can(lab: Lab, copied: Project, root: Path) -> None:
    before = finished(copied)
    shutil.copy(root / "params/sweeps/feather.yaml", copied.folder)
    output = end(copied.start(*HURRIED, "--config", "sweep=feather.yaml", "--", "compare"))
    made = Counter(job["rule"] for job in jobs_of(lab, copied))
    assert made == {"ripple_inpaint": 4, "measure": 4, "tabulate": 2, "compare": 1}, output
    assert before == {path: mark for path, mark in finished(copied).items() if path in before}
    ranking = pd.read_csv(copied.folder / "results/compare/feather/ranking.csv")
    assert sorted(ranking["composite.feather"]) == [2, 4, 8]
