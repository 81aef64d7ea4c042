"""Install the programs that some tests run against, after asking; ``--yes`` answers.

    python tests/system_packages.py slurm|browser [--yes]

Exit status 0: they are there. 77: they cannot be installed here, and the message says what is needed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from typing import NamedTuple

ABSENT = 77


class Needed(NamedTuple):
    """What some tests run against: a sentence, its programs, and Debian's packages of them."""

    sentence: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]


NEEDED = {
    "slurm": Needed(
        "The cluster tests start a real Slurm",
        ("munged", "slurmctld", "slurmd", "sinfo", "squeue", "scancel", "scontrol", "srun"),
        ("slurmctld", "slurmd", "slurm-client", "munge", "slurm-wlm-basic-plugins"),
    ),
    "browser": Needed(
        "The page's tests open it in Chromium", ("chromium", "chromedriver"), ("chromium", "chromium-driver")
    ),
}


def main() -> int:
    """Install what is absent; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=sorted(NEEDED))
    parser.add_argument("--yes", action="store_true")
    given = parser.parse_args()
    needed = NEEDED[given.what]
    absent = [name for name in needed.programs if shutil.which(name) is None]
    if not absent:
        return 0
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *needed.packages]
    print(f"{needed.sentence}; not installed: {', '.join(absent)}.")
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"Needed: Debian or Ubuntu, as root, for: {' '.join(command)}")
        return ABSENT
    if not given.yes and not agreed(command):
        print(f"Not installed. To go on: {' '.join(command)}, or answer with YES=1.")
        return ABSENT
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "--quiet"], command):
        done = subprocess.run(step, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(f"{' '.join(step)} failed:\n{done.stdout[-2000:]}")
            return ABSENT
    return 0


def agreed(command: list[str]) -> bool:
    """Whether the user, if there is one, says yes."""
    return sys.stdin.isatty() and input(f"Run '{' '.join(command)}'? [y/N] ").strip().lower() == "y"


if __name__ == "__main__":
    sys.exit(main())
