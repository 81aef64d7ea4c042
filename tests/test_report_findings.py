"""What the report finds in the numbers: cases, words and plots, on tables made for it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn_study import METHODS, tables

from unripple.files.tables import write_table
from unripple.metrics.table import goal_text, metrics_table, read_table, summarise
from unripple.report.cases import by_importance, find_cases, paired, typical
from unripple.report.plots import INK, against_degree, against_turn, photo_pairs, styles
from unripple.report.words import conclusion, findings, means, p_text, reasons, verdict
from unripple.settings.columns import BY_KEY, COLUMNS

NAN = float("nan")


def table_of(**energies: list[float]) -> pd.DataFrame:
    """Ripple energy of photos p0, p1, … at degrees -3 and 3 by method; nothing else is measured."""
    rows = [
        {column.key: NAN for column in COLUMNS}
        | {"photo": f"p{place // 2}", "attribute": "pose", "degree": (-3.0, 3.0)[place % 2], "method": method}
        | {"ripple_energy": energy, "yaw_turned": 5.0 + 4 * place}
        for method, values in energies.items()
        for place, energy in enumerate(values)
    ]
    return metrics_table(rows)


def test_cases_are_the_extremes_of_the_paired_differences() -> None:
    table = table_of(hfgi=[0.5, 0.5, 0.5, 0.5], ripple_inpaint=[0.4, 0.1, 0.9, 0.5])
    best, worst = find_cases(table, ["hfgi", "ripple_inpaint"])["ripple_inpaint"]
    assert (best.photo, best.degree, best.before, best.value, best.improved) == ("p0", 3.0, 0.5, 0.1, True)
    assert (worst.photo, worst.degree, worst.value, worst.improved) == ("p1", -3.0, 0.9, False)


def test_a_method_that_never_loses_has_no_worst_case_and_a_copy_none_at_all() -> None:
    table = table_of(hfgi=[0.5, 0.5], ripple_inpaint=[0.4, 0.5], e4e=[0.5, 0.5], bitwise_or=[NAN, NAN])
    cases = find_cases(table, ["hfgi", "ripple_inpaint", "e4e", "bitwise_or"])
    assert [case.improved for case in cases["ripple_inpaint"]] == [True]
    assert cases.keys() == {"ripple_inpaint"}


def test_a_larger_value_is_an_improvement_where_higher_is_better() -> None:
    table = table_of(hfgi=[0.0, 0.0], e4e=[0.0, 0.0])
    table["psnr_band"] = [10.0, 10.0, 12.0, 9.0]  # e4e, hfgi at -3; e4e, hfgi at 3
    (best,) = find_cases(table, ["hfgi", "e4e"], ["psnr_band"])["e4e"]
    assert (best.degree, best.before, best.value, best.improved) == (3.0, 9.0, 12.0, True)


def test_pairs_leave_out_what_either_lacks() -> None:
    table = table_of(hfgi=[0.5, NAN, 0.3, 0.2], e4e=[NAN, 0.1, 0.1, 0.1])
    found = paired(table, "e4e", "ripple_energy")
    assert found[["photo", "degree", "before", "value"]].to_numpy().tolist() == [
        ["p1", -3.0, 0.3, 0.1],
        ["p1", 3.0, 0.2, 0.1],
    ]
    assert found["goal"].isna().all()


def test_the_typical_picture_is_the_median_and_of_a_known_plate_where_there_is_one() -> None:
    table = table_of(hfgi=[0.5, 0.1, 0.9, 0.4, 0.2, 0.6])
    assert typical(table) == ("p1", 3.0)  # .1 .2 .4 .5 .6 .9: the lower middle
    table["known_plate"] = table["photo"] == "p2"
    assert typical(table) == ("p2", -3.0)
    assert typical(table_of(hfgi=[NAN, NAN])) is None


def test_photos_of_the_cases_are_the_most_important() -> None:
    energies = list(np.linspace(0.1, 0.9, 20))
    table = table_of(hfgi=energies, e4e=[*[energy - 0.01 for energy in energies[:-1]], 1.0])
    order = by_importance(table, ["hfgi", "e4e"])
    assert set(order[:3]) == {"p4", "p0", "p9"}  # the typical one, the largest gain, the largest loss
    assert sorted(order) == sorted(f"p{place}" for place in range(10))


@pytest.mark.parametrize(
    ("aim", "low", "high", "expected"),
    [
        ("lower", -0.2, -0.1, "better"),
        ("lower", 0.1, 0.2, "worse"),
        ("lower", -0.1, 0.1, ""),
        ("lower", 0.0, 0.0, ""),
        ("lower", NAN, NAN, ""),
        ("higher", 0.1, 0.2, "better"),
        ("higher", -0.2, -0.1, "worse"),
        ("truth", -0.2, -0.1, "better"),
        ("truth", 0.1, 0.2, "worse"),
        ("", 1.0, 2.0, ""),
    ],
)
def test_a_verdict_needs_an_interval_on_one_side_of_zero(aim: str, low: float, high: float, expected: str) -> None:
    assert verdict({"difference_low": low, "difference_high": high, "aim": aim}) == expected


def test_going_below_the_truth_is_no_gain() -> None:
    # The true edits have .3; one method has .25, the other nothing at all.
    table = table_of(
        hfgi=[0.5, 0.52, 0.5, 0.51], e4e=[0.0, 0.01, 0.0, 0.0], ripple_inpaint=[0.25, 0.27, 0.26, 0.25], truth=[0.3] * 4
    )
    table["residual_person"], table["ripple_energy"] = table["ripple_energy"], NAN
    summary = summarise(table, resamples=50)
    found = {one.method: one for one in findings(summary, "|degree| 3", ["hfgi", "e4e", "ripple_inpaint"])}
    share = BY_KEY["residual_person"].label
    gained, lost = dict(found["ripple_inpaint"].better), dict(found["e4e"].worse)
    assert gained[share].startswith("0.258 against 0.508, goal 0.300; distance: −0.165 [−")
    assert lost[share].startswith("0.003 against 0.508, goal 0.300; distance: +0.090 [+")
    cases = find_cases(table, ["hfgi", "e4e", "ripple_inpaint"], ["residual_person"])
    assert [case.improved for case in cases["ripple_inpaint"]] == [True]
    assert [case.improved for case in cases["e4e"]] == [False]
    pairs = photo_pairs(table, "e4e", "residual_person")
    assert "0 better, 2 worse. Better is nearer to the true edit's own value, 0.300 on average." in pairs.alt


def test_what_speaks_of_no_better_gets_no_verdict_from_a_file_either(tmp_path: Path) -> None:
    table = table_of(hfgi=[0.5, 0.52, 0.5, 0.51], e4e=[0.25, 0.27, 0.26, 0.25], truth=[0.3] * 4)
    table["copied_background"] = table["ripple_energy"]
    summary = summarise(table, resamples=50)
    write_table(tmp_path / "summary.csv", summary)
    read = read_table(tmp_path / "summary.csv")
    assert set(read["aim"]) == set(summary["aim"]) and "" in set(read["aim"])
    for one in (summary, read):
        (found,) = findings(one, "|degree| 3", ["hfgi", "e4e"])
        told = dict([*found.better, *found.worse, *found.undecided])
        assert BY_KEY["copied_background"].label not in told and BY_KEY["ripple_energy"].label in told


def test_where_no_truth_is_known_less_is_better() -> None:
    summary = summarise(table_of(hfgi=[0.5, 0.52, 0.5, 0.51], e4e=[0.0, 0.01, 0.0, 0.0]), resamples=50)
    (found,) = findings(summary, "|degree| 3", ["hfgi", "e4e"])
    assert "goal" not in dict(found.better)["Ripple energy in the band"]
    assert goal_text(0, 2).startswith("No true edit is known here.")


def test_p_values_are_never_rounded_to_zero_or_one() -> None:
    assert [p_text(p) for p in (0.0123, 1e-9, 1.0, NAN)] == ["p = .012", "p < .001", "p = .999", ""]


def test_the_words_say_where_a_method_gains_loses_and_stays_open() -> None:
    _, summary = tables("a", "b", "c")  # every value falls by 1 from e4e over hfgi to the others
    found = {one.method: one for one in findings(summary, "|degree| 3", METHODS)}
    assert found.keys() == set(METHODS) - {"hfgi"}
    gained = found["ripple_inpaint"]
    better, worse = dict(gained.better), dict(gained.worse)
    energy = r"\d\.\d+ against \d\.\d+, goal \d\.\d+; distance: −[01]\.\d+ \[−[01]\.\d+,\s−[01]\.\d+\]"
    assert re.fullmatch(energy, better["Ripple energy in the band"])
    assert worse["PSNR to the truth, band"].endswith("] dB")
    assert not gained.undecided
    assert "Yaw" not in better | worse
    same = findings(summarise(table_of(hfgi=[0.5] * 4, e4e=[0.5] * 4), resamples=50), "|degree| 3", ["hfgi", "e4e"])
    assert (same[0].better, same[0].worse) == ([], [])
    assert same[0].undecided == [("Ripple energy in the band", "the same in every photo")]


def test_a_loss_beyond_the_headline_counts_and_a_gain_there_is_not_told() -> None:
    table = table_of(hfgi=[0.5, 0.6, 0.5, 0.6], e4e=[0.1, 0.2, 0.1, 0.1])
    assert table["method"].tolist() == ["e4e", "hfgi"] * 4
    table["seam"], table["psnr_person"] = [1.5, 1.0] * 4, [31.0, 30.0] * 4
    (found,) = findings(summarise(table, resamples=50), "|degree| 3", ["hfgi", "e4e"])
    assert [phrase.metric for phrase in found.better] == ["Ripple energy in the band"]
    assert [phrase.metric for phrase in found.worse] == [BY_KEY["seam"].label]
    assert (found.undecided, found.compared) == ([], 3)
    assert conclusion([found]) == "e4e is better in some and worse in others."


def test_being_away_from_the_baseline_is_no_loss() -> None:
    table = table_of(hfgi=[0.5] * 4, e4e=[0.5] * 4)
    table["yaw_shift"] = [2.0, 0.0] * 4
    (found,) = findings(summarise(table, resamples=50), "|degree| 3", ["hfgi", "e4e"])
    assert found.worse == []


def test_one_photo_says_nothing() -> None:
    (found,) = findings(summarise(table_of(hfgi=[0.5] * 2, e4e=[0.1] * 2), resamples=50), "|degree| 3", ["hfgi", "e4e"])
    assert (found.better, found.worse, found.undecided, found.compared) == ([], [], [], 0)


def test_the_conclusion_puts_each_method_where_its_findings_put_it() -> None:
    table = table_of(
        hfgi=[0.5, 0.6, 0.5, 0.6], e4e=[0.1, 0.2, 0.1, 0.1], ripple_inpaint=[0.5, 0.6, 0.5, 0.6], bitwise_or=[0.9] * 4
    )
    methods = ["hfgi", "e4e", "ripple_inpaint", "bitwise_or"]
    said = conclusion(findings(summarise(table, resamples=50), "|degree| 3", methods))
    assert said == (
        "e4e is better in some metrics and worse in none; bitwise or is worse in some and better in no main one; "
        "ripple inpaint is not better in any main one and worse in none."
    )
    assert conclusion([]) == ""
    energies = means(summarise(table, resamples=50), "|degree| 3", methods, BY_KEY["ripple_energy"])
    assert energies == "HFGI (baseline) 0.550, e4e 0.125, ripple inpaint 0.550, bitwise or 0.900"


def test_a_photo_put_aside_twice_keeps_both_reasons() -> None:
    rows = [("b", "edits", "no face"), ("a", "edits", "cut"), ("b", "edits", "no face"), ("b", "truths", "no truth")]
    assert reasons(pd.DataFrame(rows, columns=["photo", "stage", "reason"])) == {"a": "cut", "b": "no face; no truth"}
    assert reasons(pd.DataFrame(columns=["photo", "stage", "reason"])) == {}


def test_plots_are_text_and_lines_without_anything_from_elsewhere() -> None:
    table, summary = tables("a", "b", "c")
    plots = [
        against_degree(summary, "ripple_energy", METHODS),
        against_turn(table, summary, "ripple_inpaint", styles(METHODS)["ripple_inpaint"]),
        photo_pairs(table, "ripple_inpaint", "ripple_energy"),
    ]
    for plot in plots:
        assert plot.svg.startswith("<svg viewBox=") and plot.svg.endswith("</svg>")
        assert re.search(r"<text\b[^>]*>[^<]*(degree|baseline)", plot.svg)
        assert not re.search(r"https?:|<image|<script|<metadata|xmlns|<g id=", plot.svg)
        assert INK not in plot.svg and "currentColor" in plot.svg
        assert len(plot.svg) < 60_000
    ids = re.findall(r'\bid="([^"]+)"', "".join(plot.svg for plot in plots))
    assert len(ids) == len(set(ids))
    again = against_degree(summary, "ripple_energy", METHODS)
    assert again == plots[0]


def test_the_words_of_a_plot_are_its_numbers() -> None:
    table = table_of(hfgi=[0.5, 0.7, 0.5, 0.7], e4e=[0.1, 0.2, 0.6, 0.2])
    summary = summarise(table, resamples=50)
    alt = against_degree(summary, "ripple_energy", ["e4e", "hfgi"]).alt
    assert "e4e 0.350 at −3 and 0.200 at +3" in alt and "HFGI (baseline) 0.500 at −3 and 0.700 at +3" in alt
    pairs = photo_pairs(table[table["degree"] == -3], "e4e", "ripple_energy")
    assert pairs.alt.endswith("a line for each of 2 photos: 1 better, 1 worse.")
    turn = against_turn(table, summary, "e4e", styles(["e4e"])["e4e"]).alt
    # Turns of 5, 9, 13 and 17 degrees; strata part at 8 and 16.
    assert "HFGI (baseline) 0.500 at 5°, 0.600 at 11°, 0.700 at 17°" in turn
    assert "e4e 0.100 at 5°, 0.400 at 11°, 0.200 at 17°" in turn


def test_methods_differ_by_colour_and_marker_and_the_baseline_takes_the_text_colour() -> None:
    drawn = styles(["e4e", "hfgi", "ripple_inpaint", "split_composite", "bitwise_or"])
    assert drawn["hfgi"].colour == INK
    assert len({style.colour for style in drawn.values()}) == len({style.marker for style in drawn.values()}) == 5
    assert all("<polygon" in style.swatch() and INK not in style.swatch() for style in drawn.values())


def test_colours_are_seen_on_light_and_on_dark_paper() -> None:
    for style in styles(["hfgi", *"abcdef"]).values():
        if style.colour != INK:
            assert min(_contrast(style.colour, paper) for paper in ("#fbfbfa", "#131317")) >= 3


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours by WCAG 2."""
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))
