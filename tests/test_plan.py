"""Costs ahead of time: jobs and photos as a run announces them, rates from what earlier jobs took."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from unripple.jobs import costs, pace


def finished(folder: Path, name: str, rule: str, seconds: float, photos: int, size: int = 0, gpu: int = 0) -> None:
    """A job's benchmark and its index."""
    index = folder / f"results/lite/{name}.json"
    index.parent.mkdir(parents=True, exist_ok=True)
    made = {f"p{n}": {f"{index.stem}.p{n}.png": {"bytes": size, "sha256": ""}} for n in range(photos)}
    index.write_text(json.dumps({"made": made, "failed": {}, "record": {}}))
    log = folder / f"logs/lite/{name}.tsv"
    log.parent.mkdir(parents=True, exist_ok=True)
    resources = {"mem_mb": 3000, "photos": photos} | ({"gpu": 1} if gpu else {})
    log.write_text(f"s\trule_name\tresources\n{seconds}\t{rule}\t{resources}\n")


def rates(folder: Path) -> dict[str, costs.Rate]:
    return costs.measured(folder / "logs", folder / "results")


def announce(**resources: object) -> costs.Job:
    return costs.Job.of({"rule": "edit", "resources": {"mem_mb": "<TBD>", **resources}})


def test_photos_and_gpu_of_a_job_that_is_announced() -> None:
    assert announce() == costs.Job("edit", photos=1, gpu=False)
    assert announce(photos=30, gpu=0) == costs.Job("edit", photos=30, gpu=False)
    assert announce(photos=0, gpu=1) == costs.Job("edit", photos=0, gpu=True)


def test_a_rate_is_a_line_through_small_and_large_jobs(tmp_path: Path) -> None:
    for photos in (1, 5, 9):
        finished(tmp_path, f"degree~3/shard~0{photos}", "edit", 3 + 2 * photos, photos, size=2**20)
    rate = rates(tmp_path)["edit"]
    assert (rate.start, rate.photo, rate.megabytes) == pytest.approx((3, 2, 1))
    assert rate.here and not rate.gpu


def test_jobs_of_one_size_give_a_pace_for_each_photo(tmp_path: Path) -> None:
    finished(tmp_path, "shard~00", "invert", 20, 4, gpu=1)
    assert rates(tmp_path) == {"invert": costs.Rate(0, 5, 0, gpu=True)}


def test_a_benchmark_without_a_rule_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/old.tsv").write_text("s\tmax_rss\n1\t2\n")
    assert rates(tmp_path) == {}


def test_costs_add_starts_photos_and_disk() -> None:
    table = costs.costs(
        [costs.Job("edit", 30), costs.Job("invert", 36, gpu=True), costs.Job("edit", 14), costs.Job("report")],
        {"edit": costs.Rate(5, 10, 2), "invert": costs.Rate(0, 100, 0, gpu=True, here=False)},
    ).set_index("rule")
    assert table.loc["edit", "cpu_hours"] == pytest.approx((2 * 5 + 44 * 10) / 3600)
    assert table.loc["edit", "gigabytes"] == pytest.approx(88 / 1024)
    assert table.loc["invert", "gpu_hours"] == pytest.approx(1) and table.loc["invert", "cpu_hours"] == 0
    assert table["measured"].to_dict() == {"edit": "here", "invert": "scaled", "report": "unknown"}
    text = costs.render(table.reset_index())
    assert text.splitlines()[0].split() == ["rule", "jobs", "photos", "CPU", "hours", "GPU", "hours", "GB", "measured"]
    assert text.splitlines()[3].split() == ["report", "1", "1", "?", "?", "unknown"]
    assert text.splitlines()[4].split() == ["total", "4", "81", ">", "0.12", "1.00", ">", "0.09"]
    assert "'scaled': an estimate" in text and "'unknown': no such job" in text


def test_a_pace_without_a_gpu_is_not_that_of_a_job_with_one() -> None:
    slow = {"edit": costs.Rate(0, 36, 0)}
    (row,) = costs.costs([costs.Job("edit", 100, gpu=True)], slow).to_dict("records")
    assert math.isnan(row["gpu_hours"]) and row["cpu_hours"] == 0 and row["measured"] == "unknown"
    (row,) = costs.costs([costs.Job("edit", 100)], {"edit": replace(slow["edit"], gpu=True)}).to_dict("records")
    assert math.isnan(row["cpu_hours"]) and row["measured"] == "unknown"


def test_without_a_gpu_there_is_no_column_for_it() -> None:
    text = costs.render(costs.costs([costs.Job("edit", 100)], {"edit": costs.Rate(0, 36, 0)}))
    assert text.splitlines()[0].split() == ["rule", "jobs", "photos", "hours", "GB", "measured"]
    assert text.splitlines()[-1] == "Hours are those of one job at a time."


def shipped_file(folder: Path, calibration: str) -> Path:
    file = folder / "rates.yaml"
    file.write_text(
        f"# how\nmachine: m\ncalibration: {calibration}\nrates:\n  edit: {{start: 1.0, photo: 2.0, megabytes: 3.0}}\n"
    )
    return file


def test_another_machines_rates_are_taken_at_the_pace_of_this_one(tmp_path: Path) -> None:
    file = shipped_file(tmp_path, "0.5")
    assert costs.shipped(1.0, file) == {"edit": costs.Rate(2, 4, 3, here=False)}


@pytest.mark.parametrize(("calibration", "here"), [("null", 1.0), ("0.5", None)])
def test_where_the_paces_cannot_be_compared_the_hours_are_unknown(
    tmp_path: Path, calibration: str, here: float | None
) -> None:
    rates = costs.shipped(here, shipped_file(tmp_path, calibration))
    text = costs.render(costs.costs([costs.Job("edit", 1024)], rates))
    assert text.splitlines()[1].split() == ["edit", "1", "1024", "?", "3.00", "unknown"]
    assert text.splitlines()[2].split() == ["total", "1", "1024", "?", "3.00"]


def test_rates_are_written_with_the_pace_of_their_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(tmp_path, "shard~00", "edit", 20, 4, size=2**19)
    file = shipped_file(tmp_path, "null")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pace.write, "__defaults__", (file,))
    monkeypatch.setattr(pace, "TRIES", 2)
    pace.main(["a machine"])
    assert file.read_text().startswith("# how\nmachine: a machine\ncalibration: 0.")
    there = yaml.safe_load(file.read_text())["calibration"]
    assert costs.shipped(there, file) == {"edit": costs.Rate(0, 5, 0.5, here=False)}


def test_rates_of_jobs_with_a_gpu_are_not_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="run `make study` first"):
        pace.main(["a machine"])
    finished(tmp_path, "shard~00", "invert", 20, 4, gpu=1)
    with pytest.raises(SystemExit, match="found some that held one: invert"):
        pace.main(["a machine"])


def test_nothing_to_do_is_said() -> None:
    assert costs.render(costs.costs([], {})) == "Nothing to do: every result is up to date.\n"


def test_shipped_rates_know_every_stage() -> None:
    assert {"invert", "edit", "fill", "plate", "measure", "report"} <= costs.shipped().keys()
    content = yaml.safe_load(costs.SHIPPED.read_text())
    assert all(rates["photo"] > 0 for rates in content["rates"].values())
    assert content["calibration"] is None or content["calibration"] > 0
