from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
import torch

from unripple.jobs import fingerprint
from unripple.metrics.measure import Exam, MetricNetworks
from unripple.stages.ripple import ripple_mask

FILES = {
    "__init__.py": "",
    "stages/__init__.py": "",
    "stages/edit.py": (
        '"""Edit."""\nfrom unripple.images import deep as d\nfrom . import parse\nfrom unripple import catalogue\n'
        "def edit(models: catalogue.Models):\n    return d(), parse.person(), models.used()\n"
    ),
    "stages/parse.py": "import unripple.networks.parser as parser\ndef person(): return parser.lazy()\n",
    "stages/other.py": "from unripple.images import unused\n",
    "networks/__init__.py": "",
    "networks/parser.py": "def lazy():\n    from unripple.helper import WIDTH\n    return WIDTH\n",
    "images.py": "from unripple import helper\ndef deep(): return helper.deep()\ndef unused(): return 1\n",
    "helper.py": "WIDTH = 1\ndef deep():\n    return 1\n",
    "catalogue.py": (
        "from unripple import rare\n"
        "class Models:\n    def used(self): return self._inner()\n    def _inner(self): return 1\n"
        "    def unused(self): return rare.rare()\n"
    ),
    "rare.py": "def rare(): return 1\n",
    "base.py": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(fingerprint, "_ROOT", tmp_path)
    fingerprint._parse.cache_clear()
    yield tmp_path
    fingerprint._parse.cache_clear()


def changed(package: Path, name: str, old: str, new: str) -> bool:
    before = fingerprint.code_hash("unripple.stages.edit")
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new, 1))
    fingerprint._parse.cache_clear()
    return fingerprint.code_hash("unripple.stages.edit") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stages/edit.py", "d()", "d() + 1"),
        ("stages/parse.py", "lazy()", "lazy() + 1"),
        ("networks/parser.py", "return WIDTH", "return -WIDTH"),
        ("helper.py", "WIDTH = 1", "WIDTH = 2"),
        ("helper.py", "return 1", "return 2"),
        ("helper.py", "WIDTH", "print('imported')\nWIDTH"),
        ("stages/__init__.py", "", "print('imported')\n"),
        ("catalogue.py", "return 1", "return 2"),
        ("images.py", "from", "if TYPE_CHECKING:\n    print('imported')\nfrom"),
    ],
)
def test_a_change_of_what_is_reached_changes_the_hash(package: Path, name: str, old: str, new: str) -> None:
    assert changed(package, name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("helper.py", "    return 1", '    """One."""\n    # One.\n    return (1)'),
        ("stages/edit.py", '"""Edit."""', '"""Edits."""'),
        ("images.py", "def unused(): return 1", "def unused(): return 2"),
        ("stages/other.py", "", "print(1)\n"),
        ("catalogue.py", "return rare.rare()", "return -rare.rare()"),
        ("rare.py", "return 1", "return 2"),
        ("base.py", "", "print(1)\n"),
        ("images.py", "from", "if TYPE_CHECKING:\n    from unripple import base\nfrom"),
    ],
)
def test_a_change_of_anything_else_does_not(package: Path, name: str, old: str, new: str) -> None:
    assert not changed(package, name, old, new)


def test_a_script_reaches_its_neighbours_and_the_package(package: Path, tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "job.py").write_text("from unripple import helper\ndef start(): return helper.deep()\n")
    (scripts / "edit.py").write_text("import job\njob.start()\n")
    assert set(fingerprint.closure(scripts / "edit.py")) == {
        "edit:",
        "job:",
        "job:start",
        "unripple:",
        "unripple.helper:",
        "unripple.helper:deep",
    }


def test_a_class_with_bases_counts_whole(package: Path) -> None:
    (package / "base.py").write_text("class A(dict):\n    def hidden(self): return 1\n")
    (package / "stages/edit.py").write_text("from unripple.base import A\nA()\n")
    assert changed(package, "base.py", "return 1", "return 2")


SOURCE = '''
"""A bit of everything that Pythons parse or print differently."""
import asyncio
from collections.abc import Callable


class Table(dict[str, int]):
    """A class."""

    width: int = 4

    def row(self, *cells: float, low=None, high: float | None = None, **options) -> str:
        """A row."""
        digits = "+.3f"
        return f"{low:{digits}} [{low:{digits}}, {high!r:>{self.width}}] {low=}" "é\\n"


async def wait(step: Callable[[], None], /, *, seconds=0.5):
    async with asyncio.timeout(seconds):
        return await asyncio.to_thread(lambda: step() or ... or b"" or 1j)


def told(found):
    match found:
        case None | True:
            return
        case {"name": str(name), **rest} if rest:
            del rest
        case [first, *_]:
            print("", first, sep="")
    try:
        pass
    except* ValueError:
        raise
'''


def test_a_fingerprint_is_the_same_on_every_python(package: Path) -> None:
    """Else another Python would run a finished study anew. The value was the same on Python 3.11, 3.12 and 3.13."""
    (package / "helper.py").write_text(SOURCE, encoding="utf-8")
    assert fingerprint.code_hash("unripple.helper") == "3cd5dc9193cd6456"


@pytest.mark.parametrize(
    ("code", "counts"),
    [
        ("import torch.nn.functional as F\ndef deep(): return F.relu\n", True),
        ("from torch import nn\ndef deep(): return nn.Linear\n", True),
        ("def deep():\n    import torch\n    return torch.ones(1)\n", True),
        ("import torch\ndef deep(): return 1\n", False),
        ("import torch\ndef deep(): return 1\ndef nobody(): return torch.ones(1)\n", False),
        ("if TYPE_CHECKING:\n    import torch\ndef deep(a: torch.Tensor): return 1\n", False),
    ],
)
def test_another_version_of_a_package_counts_where_reached_code_names_it(
    package: Path, monkeypatch: pytest.MonkeyPatch, code: str, counts: bool
) -> None:
    (package / "helper.py").write_text(f"WIDTH = 1\n{code}")
    before = fingerprint.code_hash("unripple.stages.edit")
    assert set(fingerprint.packages("unripple.stages.edit")) == ({"torch"} if counts else set())
    monkeypatch.setattr(fingerprint, "_version", lambda distribution: "99.0")
    assert (fingerprint.code_hash("unripple.stages.edit") != before) == counts


def test_stages_know_the_packages_that_compute_them(root: Path) -> None:
    found = {
        script: set(fingerprint.packages(root / "workflow/scripts" / f"{script}.py"))
        for script in ("measure", "tabulate", "ripple")
    }
    assert found["measure"] >= {"dlib-bin", "numpy", "opencv-python-headless", "scikit-image", "torch"}
    assert "scipy" in found["tabulate"] and "dlib-bin" not in found["tabulate"]
    assert "numpy" in found["ripple"] and not found["ripple"] & {"dlib-bin", "openvino", "scipy"}
    versions = fingerprint.packages(root / "workflow/scripts/measure.py")
    assert versions["torch"] == torch.__version__.partition("+")[0]


def test_an_unknown_module_is_refused_by_name(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"unripple\.none"):
        fingerprint.code_hash("unripple.none")


class Executed:
    """Records which functions of the package run, as ``module:name`` or ``module:Class.method``."""

    def __init__(self) -> None:
        self.functions: set[str] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        module = str(frame.f_globals.get("__name__", ""))
        if event == "call" and module.startswith("unripple") and frame.f_code.co_filename.endswith(".py"):
            self.functions.add(f"{module}:{frame.f_code.co_qualname.partition('.<locals>')[0]}")

    def __enter__(self) -> Executed:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


def is_reached(name: str, reached: dict[str, str]) -> bool:
    """Whether a function that ran is in a closure, by itself or with its whole class."""
    owner, _, method = name.rpartition(".")
    if ":" not in owner:
        return name in reached
    module, _, class_name = owner.partition(":")
    whole = getattr(sys.modules[module], class_name).__bases__ != (object,) or method.startswith("__")
    return (owner if whole else name) in reached


def test_all_that_a_real_script_runs_is_in_its_closure(root: Path) -> None:
    """What masks and measurements execute is reached from the scripts that ask for them, to the last helper."""
    disc = np.zeros((128, 128), bool)
    disc[32:96, 20:90] = True
    picture = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    matte = disc.astype(np.float32)
    with Executed() as masks:
        ripple_mask(disc, np.roll(disc, 12, axis=1))
    with Executed() as metrics:
        networks = MetricNetworks.load(torch.device("cpu"))
        exam = Exam(picture, picture, picture, matte, np.roll(matte, 12, 1), networks, picture)
        exam.measure({"hfgi": picture}, disc)
    for script, executed in (("ripple", masks), ("measure", metrics)):
        reached = fingerprint.closure(root / "workflow/scripts" / f"{script}.py")
        missed = {name for name in executed.functions if not is_reached(name, reached)}
        assert len(executed.functions) > 5
        assert not missed
