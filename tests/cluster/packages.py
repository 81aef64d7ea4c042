"""Install the Slurm that the cluster tests run on, after asking; ``--yes`` answers.

Exit status 0: it is there. 77: it cannot be installed here, and the message says what is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from lab import PACKAGES, PROGRAMS

ABSENT = 77


def main() -> int:
    """Install what is absent; the exit status."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if not absent:
        return 0
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES]
    print(f"The cluster tests start a real Slurm; not installed: {', '.join(absent)}.")
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"Needed: Debian or Ubuntu, as root, for: {' '.join(command)}")
        return ABSENT
    if "--yes" not in sys.argv[1:] and not agreed(command):
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
