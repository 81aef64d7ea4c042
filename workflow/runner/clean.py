"""Say what a study has left in the current folder, how large it is, and remove it: ``make clean``.

Nothing that git has is removed, nor what lies behind a link, nor anything while a study runs. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import folders

#: With the lock last, which this holds.
MADE = (folders.RESULTS, Path("logs"), Path(".snakemake"))


def main() -> None:
    """Remove what is there. Exits where a study runs, or where git has a file among it."""
    there = [folder for folder in MADE if folder.is_symlink() or folder.exists()]
    if not there:
        print("nothing to remove")
        return
    if tracked := in_git(there):
        sys.exit(f"{tracked[0]}: git has it, so nothing is removed; move it, or `git rm` it")
    with folders.take_lock():
        for folder in MADE:
            if folder.is_symlink():
                print(f"removing the link {folder}; what is in {folder.resolve()} stays", flush=True)
                folder.unlink()
            elif folder.exists():
                files, size = extent(folder)
                print(f"removing {folder}: {files:,} files, {size / 2**20:,.1f} MB", flush=True)
                shutil.rmtree(folder)


def in_git(paths: list[Path]) -> list[str]:
    """The files below some folders that git has; none outside of a repository."""
    command = ["git", "ls-files", "-z", "--", *map(str, paths)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:  # there is no git
        return []
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def extent(folder: Path) -> tuple[int, int]:
    """How many files a folder holds, and their bytes; links count as files of no size."""
    paths = [Path(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files)]
    sizes = [0 if path.is_symlink() else path.stat().st_size for path in paths if path.is_symlink() or path.is_file()]
    return len(sizes), sum(sizes)


if __name__ == "__main__":
    main()
