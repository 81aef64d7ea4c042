"""What tests share: few threads for each network, so that tests cost the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from test_workflow import TINY, Project

from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.pictures import Rgb
from unripple.known_plate.portraits import example_photo

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    beside = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    torch.set_num_threads(max(1, min(before // beside, 2)))
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def astronaut() -> Rgb:
    """scikit-image's public-domain portrait, ``uint8 (512, 512, 3)``."""
    return example_photo("astronaut")


@pytest.fixture(scope="session")
def meter() -> FaceMeter:
    """dlib's networks, loaded once."""
    return FaceMeter()


@pytest.fixture(scope="session")
def unstarted(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A tiny study of three photos, and a file that is none, before its first run."""
    project = Project(root, tmp_path_factory.mktemp("unstarted"))
    project.set(**(TINY | {"study": {"known_plate": 2}}))
    (project.folder / "data/photos/it's {not} a picture.png").write_text("hello")
    return project


@pytest.fixture(scope="session")
def unbroken(unstarted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same study, finished without a fault. Tests take a copy."""
    project = unstarted.copy(tmp_path_factory.mktemp("unbroken") / "study")
    status, output = project.run()
    assert status == 0, output
    return project
