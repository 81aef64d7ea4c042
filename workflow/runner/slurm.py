"""What a run on Slurm must know before Snakemake starts: how to ask for jobs, and which an earlier run left behind."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml

#: Names of the study's jobs start with this (the profile's ``slurm-jobname-prefix``).
JOB_NAME = "unripple_"


def is_slurm(profile: Path) -> bool:
    """Whether a profile (its folder or file) submits to Slurm."""
    file = profile if profile.is_file() else profile / "config.yaml"
    return file.is_file() and yaml.safe_load(file.read_text()).get("executor") == "slurm"


def status_command() -> str:
    """``sacct`` where the cluster keeps accounts, else ``squeue``.

    Snakemake's plugin takes sacct wherever the program is; without accounting it then never sees a job end.
    """
    if shutil.which("sacct") is None:
        return "squeue"
    settings = _ask("scontrol", "show", "config")
    kept = next((line.partition("=")[2].strip() for line in settings if line.startswith("AccountingStorageType")), "")
    return "squeue" if kept in ("", "(null)", "accounting_storage/none") else "sacct"


def cancel_orphans(folder: Path) -> list[str]:
    """Cancel the jobs that a killed run of the study in ``folder`` left on the cluster; their numbers.

    Snakemake would submit their work anew beside them.
    """
    jobs = (line.split("|", 2) for line in _ask("squeue", "--me", "--noheader", "--format=%i|%j|%Z"))
    left = [number for number, name, place in jobs if name.startswith(JOB_NAME) and Path(place) == folder]
    if left:
        _ask("scancel", *left)
    return left


def _ask(*command: str) -> list[str]:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    except FileNotFoundError:
        raise SystemExit(
            f"{command[0]}: not found; this profile needs Slurm's commands: run it on a login node"
        ) from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(command)}: Slurm refused: {error.stderr.strip()}") from None
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"{' '.join(command)}: Slurm did not answer within {error.timeout:.0f} s") from None
