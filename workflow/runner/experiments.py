"""Run a list of settings one after another as DVC experiments, and rank them.

    python workflow/runner/experiments.py params/experiments.yaml

Each run builds on ``params.yaml`` as it was at the start, which is put back after each, with all else that DVC writes
into files of git: the experiments have it. The runs share the results that they have in common, because they are made
in the workspace.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from unripple.metrics.ranking import rank, rank_text
from unripple.metrics.table import read_table
from unripple.report import results_folder
from unripple.settings import parameters, yaml_file
from unripple.settings.study import Study

PARAMS = Path("params.yaml")
#: What an experiment changes among the files of git.
CHANGED = (PARAMS, Path("dvc.lock"), Path("experiments/metrics.json"), Path("experiments/ripple_energy.csv"))
Settings = dict[str, Any]


def main(file: Path) -> None:
    """Run the experiments of a file, then print their ranking."""
    try:
        base = parameters.load(PARAMS)
        experiments = load(file)
    except parameters.ConfigError as error:
        sys.exit(str(error))
    tables = []
    for number, settings in enumerate(experiments, 1):
        print(f"experiment {number} of {len(experiments)}: {written(settings) or PARAMS}", flush=True)
        with put_back(*CHANGED):
            run(settings)
            tables.append(read_table(results_folder.places()["table"].with_name("metrics.csv")))
    names = list(dict.fromkeys(name for settings in experiments for name in settings))
    unchanged = {name: value_of(base, name) for name in names}
    labels = [{name: str(value) for name, value in (unchanged | settings).items()} for settings in experiments]
    ranking = rank(
        tables,
        labels,
        [method for method in base.methods if method not in ("e4e", "hfgi")],
        base.metrics.rank,
        reference=next((n for n, one in enumerate(labels) if one == {k: str(v) for k, v in unchanged.items()}), None),
        resamples=base.metrics.bootstrap,
        seed=base.metrics.seed,
    )
    print(rank_text(ranking, names, base.metrics.rank))


def load(file: Path) -> list[Settings]:
    """The experiments of a file: a list of mappings ``section.key: value``, each checked over ``params.yaml``.

    Raises ``ConfigError``.
    """
    try:
        listed = yaml_file.read(file)
    except FileNotFoundError:
        raise parameters.ConfigError(f"{file}: no such list of experiments") from None
    except yaml_file.SettingsError as error:
        raise parameters.ConfigError(str(error)) from None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise parameters.ConfigError(f"{file}: expected a list such as '- ripple.dilate: 15', found {listed!r}")
    for number, one in enumerate(listed, 1):
        place = f"{file}, experiment {number}"
        try:
            parameters.load(PARAMS, nested(place, one))
        except parameters.ConfigError as error:
            raise parameters.ConfigError(f"{place}, over {error}") from None
    return listed


def nested(place: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """``{"ripple.dilate": 15}`` as ``{"ripple": {"dilate": 15}}``."""
    tree: dict[str, Any] = {}
    for name, value in settings.items():
        section, _, key = str(name).partition(".")
        if key:
            tree.setdefault(section, {})[key] = value
        elif isinstance(value, dict):
            raise parameters.ConfigError(f"{place}: {name}: expected '{name}.key: value' for a key of a section")
        else:
            tree[section] = value
    return tree


def value_of(study: Study, name: str) -> Any:
    """The value of ``section.key`` in a study."""
    found: Any = study
    for part in name.split("."):
        found = getattr(found, part)
    return found


def written(settings: Settings) -> str:
    """Settings as DVC takes them on its command line."""
    return " ".join(f"-S {name}={override(value)}" for name, value in settings.items())


def override(value: Any) -> str:
    """A value as DVC's ``-S`` reads it."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()


def run(settings: Settings) -> None:
    """One experiment of DVC in the workspace. Exits where it fails."""
    changes = [part for name, value in settings.items() for part in ("-S", f"{name}={override(value)}")]
    # --force: DVC does not see what Snakemake does, which decides itself what there is to do.
    done = subprocess.run([sys.executable, "-m", "dvc", "exp", "run", "--force", *changes])
    if done.returncode:
        sys.exit(done.returncode)


@contextmanager
def put_back(*files: Path) -> Iterator[None]:
    """Give files their content back, or remove them, whatever happens in the block, SIGTERM included."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    kept = {file: file.read_bytes() if file.exists() else None for file in files}
    try:
        yield
    finally:
        for file, content in kept.items():
            if content is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
