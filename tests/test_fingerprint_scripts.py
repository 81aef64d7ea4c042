"""The closures of the study's own scripts: all that they execute is in them, and a deep change reaches who uses it."""

from __future__ import annotations

import importlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from code_changes import change_function
from test_fingerprint import is_reached

from unripple.jobs import fingerprint

SEED = 2026
CHANGED = 6


@pytest.fixture(scope="module")
def executed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Script -> functions of the package that it executed on two small portraits."""
    command = [sys.executable, str(root / "tests/traced_scripts.py"), str(root / "workflow/scripts")]
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    folder = tmp_path_factory.mktemp("traced")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = {script: set(names) for script, names in json.loads(done.stdout).items()}
    for script, names in found.items():
        importable = {name for name in names if "<" not in name.partition(":")[2]}
        assert len(importable) > 20, f"{script}: {importable}"
        found[script] = importable
        for name in importable:
            importlib.import_module(name.partition(":")[0])
    return found


def test_all_that_a_script_executes_is_in_its_closure(root: Path, executed: dict[str, set[str]]) -> None:
    for script, names in executed.items():
        reached = fingerprint.closure(root / "workflow/scripts" / f"{script}.py")
        missed = {name for name in names if not is_reached(name, reached)}
        assert not missed, script


@pytest.fixture
def copy(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources that the closures are then taken from."""
    for name in ("src/unripple", "workflow/scripts"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "_ROOT", tmp_path / "src/unripple")
    fingerprint._parse.cache_clear()
    yield tmp_path
    fingerprint._parse.cache_clear()


def imports(scripts: Path) -> dict[str, set[str]]:
    """Script -> every module of the package that it or what it imports names, whatever it uses of them."""
    return {
        path.stem: {name.partition(":")[0] for name in fingerprint.closure(path)}
        for path in sorted(scripts.glob("*.py"))
        if path.stem != "job"
    }


def test_a_change_of_a_deep_helper_changes_the_hash_of_those_that_use_it(
    copy: Path, executed: dict[str, set[str]]
) -> None:
    """Helpers are picked at random among what scripts executed; nobody who does not import their module is touched."""
    scripts = copy / "workflow/scripts"
    helpers = sorted({name for names in executed.values() for name in names if ":_" in name or "._" in name})
    helpers = [name for name in helpers if not name.endswith("__")]
    assert len(helpers) > CHANGED
    before = {path.stem: fingerprint.code_hash(path) for path in scripts.glob("*.py")}
    importing = imports(scripts)
    for name in random.Random(SEED).sample(helpers, CHANGED):
        module, _, function = name.partition(":")
        file = copy / "src" / f"{module.replace('.', '/')}.py"
        kept = file.read_text()
        change_function(file, function)
        fingerprint._parse.cache_clear()
        changed = {script for script in importing if fingerprint.code_hash(scripts / f"{script}.py") != before[script]}
        using = {script for script, names in executed.items() if name in names}
        assert using <= changed, name
        assert changed <= {script for script, modules in importing.items() if module in modules}, name
        file.write_text(kept)
        fingerprint._parse.cache_clear()
