"""A real Slurm of three nodes on one machine: its daemons, its configuration, and an end to all it started.

    PYTHONPATH=tests python tests/cluster/lab.py start FOLDER
    PYTHONPATH=tests python tests/cluster/lab.py stop FOLDER

Two of the nodes have two fake GPUs each (copies of the null device, which Slurm counts and hands out as it would real
ones). It must run as root: slurmctld and slurmd do. Tested with Slurm 22.05 of Debian 12.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from system_packages import NEEDED

SLURM = NEEDED["slurm"]
#: Where Slurm's programs look for the configuration of the cluster, also inside a job.
ETC = Path("/etc/slurm")
NODES = ("n1", "n2", "n3")
GPU_NODES = ("n1", "n2")

SLURM_CONF = """\
ClusterName=lab
SlurmctldHost=localhost
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={lab}/munge/munge.socket,cred_expire=30
CredType=cred/munge
SlurmdParameters=config_overrides
StateSaveLocation={lab}/state
SlurmdSpoolDir={lab}/spool/%n
SlurmctldPidFile={lab}/run/slurmctld.pid
SlurmdPidFile={lab}/run/slurmd-%n.pid
SlurmctldLogFile={lab}/log/slurmctld.log
SlurmdLogFile={lab}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=200
GresTypes=gpu
MinJobAge=3600
SlurmdTimeout=20
KillWait=5
JobRequeue=1
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
NodeName=n1 NodeAddr=127.0.0.1 NodeHostName=n1 Port=17001 CPUs=2 RealMemory=8000 Gres=gpu:2 State=UNKNOWN
NodeName=n2 NodeAddr=127.0.0.1 NodeHostName=n2 Port=17002 CPUs=2 RealMemory=8000 Gres=gpu:2 State=UNKNOWN
NodeName=n3 NodeAddr=127.0.0.1 NodeHostName=n3 Port=17003 CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=gpu Nodes=n[1-2] MaxTime=12:00:00 State=UP
PartitionName=main Nodes=n[1-3] Default=YES MaxTime=12:00:00 State=UP
"""
GRES_CONF = "NodeName=n[1-2] Name=gpu File={lab}/gpu/nvidia[0-1]\n"


class LabError(RuntimeError):
    """No cluster can be started here; the message says what is needed."""


class Lab:
    """A cluster whose files are all in one folder (but for two links in /etc/slurm)."""

    def __init__(self, folder: Path) -> None:
        """``folder``: absolute and short, as it holds a socket."""
        self.folder = folder

    def start(self) -> None:
        """Start it and wait until every node is idle. Raises ``LabError``."""
        self._check()
        for name in ("etc", "run", "log", "state", "munge", "gpu", *(f"spool/{node}" for node in NODES)):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        ETC.mkdir(exist_ok=True)
        for name, text in (("slurm.conf", SLURM_CONF), ("gres.conf", GRES_CONF)):
            (self.folder / "etc" / name).write_text(text.format(lab=self.folder))
            (ETC / name).symlink_to(self.folder / "etc" / name)
        for device in (self.folder / "gpu/nvidia0", self.folder / "gpu/nvidia1"):
            device.unlink(missing_ok=True)
            os.mknod(device, 0o020666, os.makedev(1, 3))
        key = self.folder / "munge/munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        try:
            self._run(
                *("munged", "--force", f"--key-file={key}", f"--socket={self.folder}/munge/munge.socket"),
                *(f"--pid-file={self.folder}/run/munged.pid", f"--log-file={self.folder}/log/munged.log"),
                f"--seed-file={self.folder}/munge/seed",
            )
            self._run("slurmctld", "-f", f"{self.folder}/etc/slurm.conf")
            for node in NODES:
                self.start_node(node)
            self.wait_until_idle(NODES)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process and job step of the cluster, and remove its links from /etc/slurm."""
        daemons = (*(f"slurmd-{node}" for node in NODES), "slurmctld", "munged")
        pids = [pid for pid in (self._pid(name) for name in daemons) if pid is not None]
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            steps = self._steps()
            for pid in [*pids, *steps, *(child for step in steps for child in _descendants(step))]:
                _kill(pid, signal_number)
            _wait(lambda: not any(_alive(pid) for pid in pids), 10)
        for name in ("slurm.conf", "gres.conf"):
            if (ETC / name).is_symlink() and (ETC / name).readlink().is_relative_to(self.folder):
                (ETC / name).unlink()

    def start_node(self, node: str) -> None:
        """Start the daemon of one node."""
        self._run("slurmd", "-N", node, "-f", f"{self.folder}/etc/slurm.conf")

    def crash_node(self, node: str) -> None:
        """Kill a node's daemon and all that its jobs run, at once."""
        daemon, steps = self._pid(f"slurmd-{node}"), self._steps(node)
        for pid in [*([daemon] if daemon else []), *steps, *(child for step in steps for child in _descendants(step))]:
            _kill(pid, signal.SIGKILL)

    def wait_until_idle(self, nodes: tuple[str, ...]) -> None:
        """Wait until nodes answer and run nothing."""

        def idle() -> bool:
            states = self._run("sinfo", "--noheader", "--Node", "--format=%N %T", "-n", ",".join(nodes)).split("\n")
            return all(state.endswith(" idle") for state in states if state)

        if not _wait(idle, 60):
            raise LabError(f"nodes are not idle after 60 s; see {self.folder}/log")

    def jobs(self) -> list[dict[str, str]]:
        """Slurm's own record of every job that it has seen: the fields of ``scontrol show job``."""
        records = self._run("scontrol", "--oneliner", "--details", "show", "job").splitlines()
        fields = (record.split() for record in records if record.startswith("JobId="))
        return [dict(field.partition("=")[::2] for field in record if "=" in field) for record in fields]

    def _check(self) -> None:
        absent = [name for name in SLURM.programs if shutil.which(name) is None]
        if absent:
            raise LabError(f"not installed: {', '.join(absent)}; on Debian: apt-get install {' '.join(SLURM.packages)}")
        if os.geteuid() != 0:
            raise LabError("slurmctld and slurmd of the cluster must run as root")
        for name in ("slurm.conf", "gres.conf"):
            link = ETC / name
            if link.is_symlink() and not link.exists():
                link.unlink()  # of a lab whose folder is gone
            if link.is_symlink() or link.exists():
                raise LabError(
                    f"{link} is there: this machine belongs to a cluster, or to a lab that still runs"
                    " (python tests/cluster/lab.py stop FOLDER)"
                )

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise LabError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def _pid(self, daemon: str) -> int | None:
        try:
            return int((self.folder / f"run/{daemon}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _steps(self, node: str = "") -> list[int]:
        """Processes in which slurmstepd watches a job of a node, or of any; each keeps the node's log open."""
        logs = str(self.folder / f"log/slurmd-{node}")
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_step = (process / "comm").read_text() == "slurmstepd\n"
                if is_step and any(str(file.readlink()).startswith(logs) for file in (process / "fd").iterdir()):
                    found.append(int(process.name))
            except OSError:  # ended meanwhile
                continue
        return found


def _descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *_descendants(child))]


def _kill(pid: int, signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        sys.exit(__doc__)
    lab = Lab(Path(sys.argv[2]).resolve())
    try:
        lab.start() if sys.argv[1] == "start" else lab.stop()
    except LabError as error:
        sys.exit(str(error))
