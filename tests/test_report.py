"""Strips, the overview and the page, on drawn pictures."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unripple.images import Rgb
from unripple.metrics.columns import COLUMNS
from unripple.metrics.table import metrics_table, summarise
from unripple.report.overview import draw_overview, ends
from unripple.report.page import Facts, data_uri, draw_page
from unripple.report.pictures import TINT, EditPictures, FacePictures, label, overlay, signed
from unripple.report.strip import draw_strip

SIZE = 64
METHODS = ("e4e", "hfgi", "ripple_inpaint", "split_composite")
EVIL = "</script><b>\"Ünal\" & 'co'"


def plain(*colour: int) -> Rgb:
    return np.full((SIZE, SIZE, 3), colour, np.uint8)


def face(name: str, degrees: tuple[float, ...] = (3.0, -3.0), truth: bool = True) -> FacePictures:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[16:48, 16:32] = True
    colours = {method: plain(40 * i, 200, 255 - 40 * i) for i, method in enumerate(METHODS)}
    edits = [EditPictures(degree, colours, mask, plain(255, 200, 0) if truth else None) for degree in degrees]
    return FacePictures(name, plain(10, 20, 30), plain(30, 20, 10), tuple(edits))


@cache
def tables(*names: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    rows = [
        {
            **{"photo": name, "attribute": "pose", "degree": degree, "method": method},
            **{column.key: rng.normal(5 - METHODS.index(method), 0.1) for column in COLUMNS},
        }
        for name in names
        for degree in (-3.0, 3.0)
        for method in METHODS
    ]
    table = metrics_table(rows)
    return table, summarise(table, resamples=200)


FACTS = Facts(
    networks={"perceptual distance": "st-lpips-alex", "generator": "MobileStyleGAN-FFHQ"},
    settings={"ripple.dilate": "8"},
    put_aside={"<i>broken</i>.jpg": "truncated"},
)


def page(names: list[str], **options: int) -> str:
    table, summary = tables(*names)
    return draw_page([face(name) for name in names], table, summary, FACTS, methods=METHODS, **options)


class Reader(HTMLParser):
    """Collects ids, sources, visible words and scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[str] = []
        self._inside: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("src", "href", "srcset", "action") and value]
        if tag in ("script", "style"):
            self._inside = found
            self.scripts.append((found, "")) if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.words.append(data)
        elif self.scripts:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)


def study(reader: Reader) -> dict[str, list[dict[str, object]]]:
    (text,) = (text for attributes, text in reader.scripts if attributes.get("id") == "study")
    found: dict[str, list[dict[str, object]]] = json.loads(text)
    return found


def decoded(uri: str) -> Image.Image:
    head, data = uri.split(",", 1)
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data, validate=True)))


def test_labels_are_for_people() -> None:
    assert label("hfgi") == "HFGI (baseline)"
    assert label("region_aware") == "region aware"
    assert [signed(degree) for degree in (-3.0, -1.5, 1.5, 3.0)] == ["−3", "−1.5", "+1.5", "+3"]


def test_edits_are_ordered_by_degree_and_pictures_by_their_place() -> None:
    drawn = face("a", (3.0, -3.0, 1.5))
    assert [edit.degree for edit in drawn.edits] == [-3.0, 1.5, 3.0]
    assert list(drawn.edits[0].shown()) == ["e4e", "hfgi", "mask", "ripple_inpaint", "split_composite", "truth"]


def test_the_overlay_tints_the_mask_and_nothing_else() -> None:
    rgb, mask = plain(100, 100, 100), np.zeros((SIZE, SIZE), bool)
    mask[20:40, 20:40] = True
    tinted = overlay(rgb, mask)
    assert (tinted[~mask] == 100).all()
    assert tuple(tinted[30, 30]) == tuple((100 + tint) // 2 for tint in TINT)
    assert tuple(tinted[20, 30]) == TINT
    with pytest.raises(ValueError, match="mask: expected"):
        overlay(rgb, mask[:-1])


def test_a_strip_shows_every_picture_once_for_each_degree() -> None:
    strip = draw_strip(face("a"), side=48)
    for colour, times in (((10, 20, 30), 1), ((30, 20, 10), 1), ((255, 200, 0), 2), ((80, 200, 175), 2)):
        assert (strip == colour).all(axis=2).sum() == times * 48 * 48


def test_a_strip_without_truth_is_narrower_and_without_edits_refused() -> None:
    assert draw_strip(face("a", truth=False), side=48).shape[1] < draw_strip(face("a"), side=48).shape[1]
    with pytest.raises(ValueError, match="at least one edit"):
        draw_strip(replace(face("a"), edits=()))


def test_the_text_of_a_strip_is_drawn() -> None:
    a, b = draw_strip(face("one")), draw_strip(face("another"))
    assert a.shape == b.shape and (a != b).any()


def test_drawing_twice_gives_the_same_pixels() -> None:
    assert (draw_strip(face("a")) == draw_strip(face("a"))).all()
    assert page(["a"]) == page(["a"])


def test_the_overview_has_a_row_for_each_face_and_both_ends() -> None:
    faces = [face("a", (-3.0, -1.5, 3.0)), face("b", (-3.0, 3.0), truth=False)]
    assert ends(faces) == [-3.0, 3.0]
    sheet = draw_overview(faces, side=32)
    assert (sheet == (10, 20, 30)).all(axis=2).sum() == 2 * 32 * 32
    assert (sheet == (255, 200, 0)).all(axis=2).sum() == 2 * 32 * 32  # one face has a truth, at two degrees
    assert (sheet == (80, 200, 175)).all(axis=2).sum() == 4 * 32 * 32
    with pytest.raises(ValueError, match="expected faces with edits"):
        draw_overview([replace(face("a"), edits=())])


def test_a_picture_survives_its_uri() -> None:
    picture = decoded(data_uri(plain(200, 100, 50), 32))
    assert picture.size == (32, 32)
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - (200, 100, 50)).max() < 8
    assert decoded(data_uri(plain(0, 0, 0), 512)).size == (SIZE, SIZE)


def test_the_page_asks_the_network_for_nothing() -> None:
    text = page(["a", "b"])
    reader = Reader(text)
    assert reader.links and all(link.startswith("data:") for link in reader.links)
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|\bimport\(", text)
    assert "default-src 'none'" in text
    assert {"link", "iframe", "object", "base"}.isdisjoint(reader.tags)


def test_the_page_holds_every_picture() -> None:
    found = study(Reader(page(["a", "b"])))["faces"]
    assert [one["name"] for one in found] == ["a", "b"]
    for one in found:
        edits = one["edits"]
        assert isinstance(edits, list)
        assert [edit["degree"] for edit in edits] == ["−3", "+3"]
        for edit in edits:
            assert list(edit["pictures"]) == ["e4e", "hfgi", "mask", "ripple_inpaint", "split_composite", "truth"]
            assert {decoded(uri).size for uri in edit["pictures"].values()} == {(SIZE, SIZE)}
            assert set(edit["numbers"]) == set(METHODS)


def test_the_script_finds_every_element_that_it_names() -> None:
    reader = Reader(page(["a"]))
    script = reader.scripts[-1][1]
    named = set(re.findall(r'\bat\("([\w-]+)"\)', script))
    sides = {f"{side}{part}" for side in ("left", "right") for part in ("", "-picture", "-tag", "-head")}
    assert {"slider", "position", "faces", "degrees", "swap", "film", "numbers", "stratum"} <= named
    assert named | sides <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert all(script.count(a) == script.count(b) for a, b in ("()", "[]", "{}"))


def test_the_slider_is_a_native_range_over_two_pictures() -> None:
    text = page(["a"])
    assert '<input type="range" id="position" min="0" max="100"' in text
    assert "clip-path: inset(0 0 0 var(--position))" in text
    assert "touch-action: pan-y" in text


def test_names_cannot_break_out() -> None:
    reader = Reader(page([EVIL]))
    assert len(reader.scripts) == 2 and "b" not in reader.tags and "i" not in reader.tags
    assert study(reader)["faces"][0]["name"] == EVIL
    assert EVIL in "".join(reader.words) and "<i>broken</i>.jpg" in "".join(reader.words)


def test_the_page_prints_its_networks_settings_and_table() -> None:
    words = " ".join(" ".join(Reader(page(["a", "b", "c"])).words).split())
    for expected in ("st-lpips-alex", "MobileStyleGAN-FFHQ", "ripple.dilate", "truncated", "Ripple energy in the band"):
        assert expected in words
    assert re.search(r"3 photos, 6 pictures for each method", words)
    assert re.search(r"−[\d.]+ \[−[\d.]+, −[\d.]+\]", words)


def test_better_and_worse_follow_the_metric() -> None:
    text = page(["a", "b", "c"])  # here every value falls from method to method
    row = next(line for line in text.split("<tr") if "Ripple energy in the band" in line)
    assert 'class="worse"' in row.split("<td")[1] and row.count('class="better"') == 2
    row = next(line for line in text.split("<tr") if "PSNR to the truth, band" in line)
    assert 'class="better"' in row.split("<td")[1] and row.count('class="worse"') == 2


def test_a_large_study_is_cut_to_the_budget_and_says_so() -> None:
    names = [f"face {i}" for i in range(4)]
    whole = page(names)
    one = sum(len(uri) for uri in re.findall(r"data:image/webp[^\"]*", json.dumps(study(Reader(whole))["faces"][0])))
    cut = page(names, budget=int(2.5 * one))
    assert [face["name"] for face in study(Reader(cut))["faces"]] == names[:2]
    assert "The page holds the first 2 of 4 faces" in cut and "The page holds" not in whole


def test_a_study_without_faces_still_has_a_page() -> None:
    table, summary = tables("a")
    reader = Reader(draw_page([], table, summary, FACTS, methods=METHODS))
    assert "slider" not in reader.ids and "stratum" in reader.ids
