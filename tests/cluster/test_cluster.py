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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from lab import GPU_NODES, NODES, Lab
from test_workflow import Project

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(3000)]

PROFILE = "workflow/profiles/slurm"
TINY = {
    "study": {"known_plate": 2, "shards": 3},
    "images": {"size": 256},
    "invert": {"refine": 0},
    "edit": {"degrees": [3]},
    "metrics": {"bootstrap": 100},
}
#: The profile, but patient with neither Slurm nor the file system, and with no more jobs than the machine bears.
HURRIED = (
    *("--workflow-profile", PROFILE, "--latency-wait", "5", "--jobs", "3"),
    *("--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "3"),
)


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
def lab() -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="lab-"))
    cluster = Lab(folder)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the cluster ends, too
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def local(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The study, run without a cluster."""
    project = Project(root, tmp_path_factory.mktemp("local"))
    project.set(**TINY)
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
def half(clustered: Project, tmp_path: Path) -> Project:
    """A study whose inversions are finished, and nothing after them."""
    folder = tmp_path / "half"
    shutil.copytree(clustered.folder, folder, symlinks=True)
    for last in [path for path in (folder / "results").iterdir() if path.is_file()]:
        last.unlink()  # else Snakemake misses nothing
    for made in [
        *folder.glob("results/lite/default/size~*/truth"),
        *folder.glob("results/lite/default/size~*/refine~*/*"),
    ]:
        if made.name not in ("inversions", "mattes"):
            shutil.rmtree(made)
    project = Project.__new__(Project)
    project.folder = folder
    return project


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
    run = half.start(*HURRIED)
    eventually(lambda: bool(running(lab, half, "edit")), "an edit that runs")
    cancelled, before = running(lab, half, "edit")[0], finished(half)
    subprocess.run(["scancel", cancelled["JobId"]], check=True)
    output = end(run)
    assert "Trying to restart job" in output
    assert digests(half) == digests(local)
    assert before == {path: mark for path, mark in finished(half).items() if path in before}
    again = [job["JobState"] for job in jobs_of(lab, half) if job["Comment"] == cancelled["Comment"]]
    assert sorted(again) == ["CANCELLED", "COMPLETED"]


def reported(project: Project) -> set[Path]:
    """Indexes of the jobs that the controller of the last run has seen end.

    What ended between its last look and its death is whole, too, but no one vouched for it: Snakemake makes it again.
    """
    log = max(project.folder.glob(".snakemake/log/*.log"), key=lambda path: path.stat().st_mtime_ns).read_text()
    jobs = re.findall(r"^    output: (\S+?),?(?: .*)?$(?:\n    .*)*?\n    jobid: (\d+)$", log, flags=re.MULTILINE)
    ended = set(re.findall(r"^Finished jobid: (\d+)", log, flags=re.MULTILINE))
    return {project.folder / output for output, job in jobs if job in ended and "shard~" in output}


def test_a_killed_controller_leaves_nothing_to_repair(lab: Lab, half: Project, local: Project) -> None:
    run = half.start(*HURRIED)
    eventually(lambda: any("/edits/" in str(path) for path in reported(half)), "an edit that is finished")
    eventually(lambda: any(job["JobState"] == "RUNNING" for job in jobs_of(lab, half)), "a job that runs")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    orphans = [job for job in jobs_of(lab, half) if job["JobState"] == "RUNNING"]
    vouched, before = reported(half), finished(half)
    assert orphans and vouched <= before.keys()
    output = end(half.start(*HURRIED))
    assert "cancelled jobs that an earlier run left on the cluster" in output
    assert digests(half) == digests(local)
    after = finished(half)
    assert {path: before[path] for path in vouched} == {path: after[path] for path in vouched}


def test_a_lost_node_costs_only_its_jobs(lab: Lab, half: Project, local: Project) -> None:
    run = half.start(*HURRIED)
    try:
        eventually(lambda: bool(running(lab, half, "edit", "n2") + running(lab, half, "truth", "n2")), "a job on n2")
        lost, before = running(lab, half, "edit", "n2") + running(lab, half, "truth", "n2"), finished(half)
        lab.crash_node("n2")
        end(run)
    finally:
        lab.start_node("n2")
    assert digests(half) == digests(local)
    assert before == {path: mark for path, mark in finished(half).items() if path in before}
    for job in lost:
        last = [record for record in jobs_of(lab, half) if record["Comment"] == job["Comment"]][-1]
        assert last["JobState"] == "COMPLETED" and last["NodeList"] != "n2", last
