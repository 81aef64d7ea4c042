"""Before a run: results of which files were deleted or cut short are made again, and nothing else.

Snakemake sees the index of a job, not its pictures, and it makes everything anew that follows a job which it runs. So
the jobs behind damaged results run first and alone; what follows them then counts their indexes by content, which is
the same as before, and has nothing to do.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from unripple.jobs import damage
from unripple.settings import parameters

RESULTS = Path("results")
PARAMS = Path("params.yaml")
#: What a run has begun to make again: Snakemake removes an index before its job runs, and would not miss it.
BEGUN = Path(".snakemake/damaged.txt")
#: Arguments with which Snakemake makes no results.
LOOKING = {
    *("--summary", "-S", "--detailed-summary", "-D", "--report", "--dag", "--d3dag", "--rulegraph", "--filegraph"),
    *("--list", "-l", "--list-rules", "--list-target-rules", "--list-changes", "--lint", "--touch", "-t", "--unlock"),
    *("--containerize", "--archive", "--cleanup-metadata", "--generate-unit-tests", "--help", "-h", "--version", "-v"),
}
#: Snakemake's one-letter options without a value, which may stand together: ``-np``.
FLAGS = "hntkfFlSDvpa"
#: So many are named.
SHOWN = 5


def damaged_results(arguments: list[str], run: Callable[[list[str]], None]) -> None:
    """Make damaged results of the study again; ``arguments``: Snakemake's, as given; ``run`` starts it with more."""
    check_settings(arguments)
    given = {argument.partition("=")[0] for argument in arguments}
    dry = is_dry(arguments)
    begun = _begun()
    if given & LOOKING or not (damaged := begun | damage.find(RESULTS)):
        return
    declared = _outputs(arguments)
    needed = [path for path in damaged if str(path) in declared]
    _tell("damaged, made again first", {path: damaged[path] for path in needed})
    _tell("damaged, no part of this study", {path: damaged[path] for path in damaged.keys() - needed})
    others = begun.keys() - set(needed)  # of a study with other settings, which may go on later
    if not dry:
        _write_begun([*needed, *others])
        for path in needed:
            damage.keep_whole(path)
    for level in damage.levels(needed):
        targets = [str(path) for path in level]
        run(["--until", *targets, "--forcerun", *targets, *arguments])
    if not dry:
        _write_begun(others)


def check_settings(arguments: list[str]) -> None:
    """Exit where a file of settings cannot be read, with its line: Snakemake, which reads it next, names neither."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[], type=Path)
    given, _ = parser.parse_known_args(arguments)
    for file in (PARAMS, *given.configfile):
        try:
            parameters.read_file(file)
        except parameters.ConfigError as error:
            sys.exit(str(error))


def is_dry(arguments: list[str]) -> bool:
    """Whether Snakemake, with these arguments, only tells what it would do, as with ``-np`` (but not ``-Rinvert``)."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(one.startswith("--dry") or re.match(f"-[{FLAGS}]*n", one) for one in options)


def _write_begun(paths: Iterable[Path]) -> None:
    BEGUN.write_text("".join(f"{path}\n" for path in sorted(paths)))


def _begun() -> dict[Path, list[str]]:
    """What a killed run was about to make again and has not."""
    paths = map(Path, BEGUN.read_text().splitlines()) if BEGUN.exists() else ()
    return {path: [] for path in paths if not path.exists()}


def _outputs(arguments: list[str]) -> set[str]:
    """Every file that the study declares."""
    command = [sys.executable, "-m", "snakemake", "--summary", "--quiet", "all", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return {line.partition("\t")[0] for line in done.stdout.splitlines()}


def _tell(what: str, damaged: dict[Path, list[str]]) -> None:
    for path, files in sorted(damaged.items())[:SHOWN]:
        listed = ", ".join([*files[:SHOWN], *(["…"] if len(files) > SHOWN else [])])
        print(f"{what}: {path}{f': {listed}' if files else ''}")
    if len(damaged) > SHOWN:
        print(f"{what}: {len(damaged)} in all")
    sys.stdout.flush()
