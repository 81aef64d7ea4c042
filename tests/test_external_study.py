"""A study with rows from outside: measured and shown like ours, whatever is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from test_workflow import Project

from unripple.files.pictures import read_rgb, write_rgb
from unripple.metrics.table import read_table

pytestmark = pytest.mark.timeout(1800)


def test_edits_of_another_system_are_measured_beside_ours(unbroken: Project, tmp_path: Path) -> None:
    project = unbroken.copy(tmp_path / "study")
    portraits = project.folder / "theirs {portraits}"
    environment = os.environ | {"PYTHONPATH": str(project.folder / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "unripple.cli.app", "portraits", portraits.name],
        cwd=project.folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    asked = read_table(portraits / "edits.csv")
    assert set(asked["photo"]) == {"known-plate-00", "known-plate-01", "astronaut"}

    # They turn in the true edit for one portrait, nothing for the other, and for the photo a picture of a wrong shape.
    theirs = project.folder / "theirs"
    truth = read_rgb(project.folder / "results/pictures/known-plate-00/pose+3.truth.png")
    write_rgb(theirs / "known-plate-00/pose+3.png", truth)
    write_rgb(theirs / "astronaut/pose+3.png", truth[:-1])
    project.set(external={"perfect": str(theirs)})
    planned = project.plan()
    assert set(planned) == {"external", "measure", "tabulate", "report", "latest"}
    status, output = project.run()
    assert status == 0, output

    summary = read_table(project.folder / "results/summary.csv")
    own = summary[(summary["method"] == "perfect") & (summary["stratum"] == "all")].set_index("metric")
    assert own.loc["ssim_whole", "mean"] == 1 and own.loc["ssim_whole", "pictures"] == 1
    assert own.loc["ssim_band", "pairs"] == 1
    for method in ("hfgi", "ripple_inpaint"):
        others = summary[(summary["method"] == method) & (summary["stratum"] == "all")].set_index("metric")
        assert others.loc["ssim_whole", "pictures"] == 2
    table = read_table(next(project.folder.glob("results/lite/**/metrics.csv")))
    plates = table.groupby("photo")["plate"].first()
    assert plates.fillna("").to_dict() == {"astronaut": "", "known-plate-00": "coffee", "known-plate-01": "grass"}
    assert set(read_table(project.folder / "results/photos.csv")["photos"]) <= {0, 1}
    assert set(read_table(project.folder / "results/inversion.csv")["set"]) == {"known-plate portraits", "real photos"}

    aside = pd.read_csv(project.folder / "results/quarantine.csv")
    reasons = dict(zip(aside["photo"], aside["reason"], strict=True))
    assert "known-plate-01/pose+3: no such picture" in reasons["known-plate-01"]
    assert "expected a square of 256 x 256 pixels or more, found 256 x 255" in reasons["astronaut"]
    text = (project.folder / "results/summary.txt").read_text()
    assert "Put aside: 1 photo," in text and "Outside:   2 pictures cannot be used" in text
    assert "perfect" in text
    assert (project.folder / "results/pictures/known-plate-00/pose+3.perfect.png").is_file()
    assert not (project.folder / "results/pictures/known-plate-01/pose+3.perfect.png").exists()
    (page,) = (project.folder / "results").glob("lite/**/report/**/index.html")
    assert "Pictures from outside that cannot be used" in page.read_text()

    # A picture that comes later is taken in, and its shard alone is measured again.
    write_rgb(theirs / "known-plate-01/pose+3.png", truth)
    assert set(project.plan()) == {"external", "measure", "tabulate", "report", "latest"}


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(unstarted: Project, tmp_path: Path) -> None:
    project = unstarted.copy(tmp_path / "study")
    project.set(external={"theirs": "nowhere"})
    status, output = project.run("--dry-run")
    assert status != 0
    assert "external.theirs = nowhere: no such folder" in output and "Traceback" not in output
