"""Strips, the overview and the page, on drawn pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from drawn_study import EVIL, METHODS, SIZE, face, page, page_of, plain, stored, tables
from PIL import Image

from unripple.files.data import write_json
from unripple.files.tables import write_table
from unripple.metrics.sets import DISTANCES
from unripple.metrics.table import metrics_table, read_table
from unripple.report.cases import by_importance
from unripple.report.gallery import _parts
from unripple.report.overview import draw_overview, ends
from unripple.report.pictures import TINT, FacePictures, label, overlay, signed, spread
from unripple.report.recipes import Recipes
from unripple.report.strip import draw_strip
from unripple.report.thumbnails import data_uri, mask_uri
from unripple.settings.columns import COLUMNS, INCEPTION, ST_ALEXNET


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


def study(text: str) -> dict[str, Any]:
    """What the page's script reads."""
    (content,) = (inside for attributes, inside in Reader(text).scripts if attributes.get("id") == "study")
    found: dict[str, Any] = json.loads(content)
    return found


def faces(*names: str) -> list[FacePictures]:
    return [face(name) for name in names]


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


def test_drawing_twice_gives_the_same() -> None:
    assert (draw_strip(face("a")) == draw_strip(face("a"))).all()
    assert page(faces("a", "b")) == page_of("a", "b")


def test_the_overview_has_a_row_for_each_face_and_both_ends() -> None:
    drawn = [face("a", (-3.0, -1.5, 3.0)), face("b", (-3.0, 3.0), truth=False)]
    assert ends(drawn) == [-3.0, 3.0]
    sheet = draw_overview(drawn, side=32)
    assert (draw_overview([one.reduced(32) for one in drawn], side=32) == sheet).all()
    assert (sheet == (10, 20, 30)).all(axis=2).sum() == 2 * 32 * 32
    assert (sheet == (255, 200, 0)).all(axis=2).sum() == 2 * 32 * 32  # one face has a truth, at two degrees
    assert (sheet == (80, 200, 175)).all(axis=2).sum() == 4 * 32 * 32
    with pytest.raises(ValueError, match="expected faces with edits"):
        draw_overview([replace(face("a"), edits=())])


def test_a_first_part_of_many_names_is_spread_over_all() -> None:
    names = [f"{number:03d}" for number in range(200)]
    assert sorted(spread(names)) == names
    for count in (5, 10, 40):
        places = sorted(int(name) for name in spread(names)[:count])
        assert max(np.diff([0, *places, 199])) <= 2.6 * 200 / count
    assert spread([]) == [] and spread(["a"]) == ["a"]


def test_a_picture_survives_its_uri() -> None:
    picture = decoded(data_uri(plain(200, 100, 50), 32))
    assert picture.size == (32, 32)
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - (200, 100, 50)).max() < 8
    assert decoded(data_uri(plain(0, 0, 0), 512)).size == (SIZE, SIZE)


def test_a_mask_survives_its_uri_exactly() -> None:
    (edit, _) = face("a").edits
    assert edit.mask is not None
    shown = np.asarray(decoded(mask_uri(edit.mask, SIZE)).convert("L"))
    assert (shown == 255 * edit.mask).all()


def test_the_page_asks_the_network_for_nothing() -> None:
    text = page_of("a", "b")
    reader = Reader(text)
    assert reader.links and all(link.startswith(("data:", "#")) for link in reader.links)
    assert not re.search(r"https?:|@import|url\((?!#)|fetch\(|XMLHttpRequest|\bimport\(", text)
    assert "default-src 'none'" in text
    assert {"link", "iframe", "object", "base"}.isdisjoint(reader.tags)


def test_the_page_holds_every_picture() -> None:
    found = study(page_of("a", "b"))["faces"]
    assert [one["name"] for one in found] == ["a", "b"]
    for one in found:
        assert [edit["degree"] for edit in one["edits"]] == ["−3", "+3"]
        for edit in one["edits"]:
            assert list(edit["small"]) == ["e4e", "hfgi", "ripple_inpaint", "split_composite", "truth", "mask"]
            assert {decoded(uri).size for uri in edit["small"].values()} == {(SIZE, SIZE)}
            assert set(edit["numbers"]) == {*METHODS, "truth"}
            assert {len(numbers) for numbers in edit["numbers"].values()} == {len(COLUMNS)}


def test_every_picture_is_linked_to_its_file_and_to_what_made_it(tmp_path: Path) -> None:
    drawn, indexes = stored(tmp_path, [EVIL.replace("/", "∕"), "plain"], size=SIZE)
    folder = tmp_path / "results/report/deep~1"
    content = study(page(drawn, folder, indexes))
    links = 0
    for one in content["faces"]:
        for part in (one, *one["edits"]):
            for name, (place, file, recipe) in part["files"].items():
                path = folder / unquote(content["folders"][place] + file)
                assert path.resolve().is_file() and one["name"] in path.name
                last = content["recipes"][recipe][-1]
                assert last["stage"] == name and last["code"] == "0123456789abcdef"
                links += 1
    assert links == 2 * (2 + 2 * 6)
    assert not any(character in "".join(content["folders"]) for character in '#?"<')


def test_a_recipe_lists_stages_in_order_with_networks_and_each_setting_once(tmp_path: Path) -> None:
    drawn, indexes = stored(tmp_path, ["a", "b"], size=SIZE)
    recipes = Recipes(indexes, {"generator": "MobileStyleGAN-FFHQ"})
    (first, second) = drawn[0].edits
    number = recipes.number(first.files["hfgi"], "a")
    assert number == recipes.number(second.files["hfgi"], "a") == recipes.number(first.files["hfgi"], "b")
    assert number is not None
    photo, edit = recipes.found[number]
    assert (photo["stage"], photo["settings"], photo["networks"]) == ("photo", {"size": str(SIZE)}, [])
    assert (edit["stage"], edit["settings"]) == ("hfgi", {"dilate": "8"})
    assert edit["networks"] == [
        f"MobileStyleGAN-FFHQ (generator, sha256 {hashlib.sha256(b'weights').hexdigest()[:8]}…)"
    ]
    assert recipes.number(tmp_path / "elsewhere.png", "a") is None


def test_the_script_finds_every_element_that_it_names() -> None:
    reader = Reader(page_of("a"))
    script = reader.scripts[-1][1]
    named = set(re.findall(r'\bat\("([\w-]+)"\)', script))
    sides = {f"{side}{part}" for side in ("left", "right") for part in ("", "-picture", "-tag", "-head", "-recipe")}
    assert {"slider", "position", "faces", "degrees", "swap", "film", "numbers", "stratum", "overlay"} <= named
    assert named | sides <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert all(script.count(a) == script.count(b) for a, b in ("()", "[]", "{}"))


def test_without_the_script_every_row_is_shown_and_a_reload_forgets_what_was_chosen() -> None:
    text = page_of("a", "b", "c")
    (style,) = re.findall(r"<noscript><style>(.*?)</style></noscript>", text, flags=re.DOTALL)
    assert text.index(style) > text.index("[hidden] { display: none !important; }")  # the later one of equals wins
    assert ".stratum { display: block !important; }" in style and ".more { display: table-row; }" in style
    controls = re.findall(r'<(?:select id="stratum"|input[^>]*class="every-switch")[^>]*>', text)
    assert len(controls) == 3 and all('autocomplete="off"' in control for control in controls)


def test_the_slider_is_a_native_range_over_two_pictures() -> None:
    text = page_of("a")
    assert '<input type="range" id="position" min="0" max="100"' in text
    assert "clip-path: inset(0 0 0 var(--position))" in text
    assert "touch-action: pan-y" in text


def test_headings_are_in_order_and_every_picture_and_table_has_its_words() -> None:
    text = page_of("a", "b")
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", text)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert text.count("<table") == text.count("<caption>")
    assert all('scope="' in head for head in re.findall(r"<th\b[^>]*>", text))
    for picture in re.findall(r"<img\b[^>]*>", text):
        assert 'alt="' in picture
    plots = re.findall(r'<div role="img" aria-label="([^"]+)"><svg', text)
    assert len(plots) == text.count('class="plot"') > 10 and len(set(plots)) == len(plots)


def test_names_cannot_break_out() -> None:
    text = page_of(EVIL)
    reader = Reader(text)
    assert len(reader.scripts) == 2 and "b" not in reader.tags and "i" not in reader.tags
    assert study(text)["faces"][0]["name"] == EVIL
    assert EVIL in "".join(reader.words) and "<i>broken</i>.jpg" in "".join(reader.words)


def test_the_page_prints_its_networks_settings_and_table() -> None:
    words = " ".join(" ".join(Reader(page_of("a", "b", "c")).words).split())
    for expected in ("st-lpips-alex", "MobileStyleGAN-FFHQ", "ripple.dilate", "truncated", "Ripple energy in the band"):
        assert expected in words
    assert re.search(r"3 photos, 6 pictures for each method", words)
    assert re.search(r"−[\d.]+ \[−[\d.]+, −[\d.]+\]", words)


def test_one_photo_has_a_table_and_no_findings() -> None:
    words = " ".join(Reader(page_of("a")).words)
    assert "At the largest edits" not in words and "comparisons made" not in words
    assert "Ripple energy in the band" in words
    assert "At the largest edits" in " ".join(Reader(page_of("a", "b", "c")).words)


def test_better_and_worse_follow_the_metric() -> None:
    text = page_of("a", "b", "c")  # here every value falls from method to method
    table = text[text.index("<table") : text.index("</table>")]
    row = next(line for line in table.split("<tr") if "Ripple energy in the band" in line)
    assert row.split("<td")[1].startswith(' class="worse"') and row.count('<td class="better"') == 2
    row = next(line for line in table.split("<tr") if "PSNR to the truth, band" in line)
    assert row.split("<td")[1].startswith(' class="better"') and row.count('<td class="worse"') == 2


def test_names_like_numbers_or_nothing_come_through_files(tmp_path: Path) -> None:
    names = ["001", "17", "NA"]
    drawn, _ = tables(*names)
    for name, rows in drawn.groupby("photo"):  # a file for each shard, whose types are guessed apart
        write_table(tmp_path / f"{name}.csv", rows)
    shards = [read_table(tmp_path / f"{name}.csv") for name in names]
    rows_read: list[dict[Any, Any]] = [row for shard in shards for row in shard.to_dict("records")]
    write_table(tmp_path / "metrics.csv", metrics_table(rows_read))
    read = read_table(tmp_path / "metrics.csv")
    assert list(read["photo"].unique()) == names
    text = page(faces(*names), table=read)
    assert all(None not in edit["numbers"]["hfgi"] for one in study(text)["faces"] for edit in one["edits"])
    cases = text[text.index('<section id="cases"') :]
    assert cases.count('class="row"') == cases.count('<article class="card">') > 0
    known = {f"{name}, pose {degree}" for name in names for degree in ("−3", "+3")}
    assert set(re.findall(r'alt="([^:"]+): ', cases)) <= known


def test_the_truth_stands_in_the_table_and_is_compared_with_nothing() -> None:
    text = page_of("a", "b", "c")
    table = text[text.index("<table") : text.index("</table>")]
    row = next(line for line in table.split("<tr") if "Ripple energy in the band" in line)
    (truth,) = row.split("<td")[len(METHODS) + 1 :]
    assert re.match(r' class="truth" data-method="truth">[01]\.\d{3} <small>\[[^]]+\]</small></td>', truth)
    assert "truth 1.0" in text or "truth 0.9" in text  # in the sentence on ripple energy
    plots = re.findall(r'aria-label="([^"]+) against degree\. ([^"]+)"', unescape(text))
    assert {name: "; truth " in said for name, said in plots} == {
        column.label: " to the truth" not in column.label for column in COLUMNS if column.headline
    }
    words = [word.strip() for word in Reader(text).words]
    assert words.count("truth: 0 better, 3 worse") == words.count("truth and HFGI (baseline)") == 0
    assert "the column truth has their own values" in text


def test_a_table_without_truths_says_that_less_is_only_taken_for_better() -> None:
    drawn, _ = tables("a", "b", "c")
    text = page(faces("a", "b", "c"), table=drawn[drawn["method"] != "truth"])
    assert "No true edit is known here." in text and "→&nbsp;truth" not in text
    assert "No true edit is known here." not in page_of("a", "b", "c") and "→&nbsp;truth" in page_of("a", "b", "c")


def test_of_many_methods_the_baseline_and_the_first_few_have_a_column_at_once() -> None:
    methods = (*(f"m{number}" for number in range(9)), "hfgi")
    text = page([face("a", methods=methods)], methods=methods)
    boxes = re.findall(r'class="method-switch" value="(\w+)" autocomplete="off"( checked)?', text)
    assert [name for name, _ in boxes] == [*methods, "truth"]
    assert {name for name, checked in boxes if checked} == {"hfgi", "m0", "m1", "m2", "m3", "m4", "truth"}
    first = text[text.index("<table") : text.index("</table>")]
    assert len(re.findall(r'<th scope="col" class="\w*" data-method="\w+"', first)) == len(methods) + 1


def test_distances_of_sets_name_their_network_or_say_why_there_are_none() -> None:
    def words(network: str, frechet: float) -> str:
        rows = [
            (network, "truth", "|degree| 3", method, 60, 120, (0.5 + place) / 1000, place / 1000, 0.002, frechet)
            for place, method in enumerate(METHODS)
        ]
        text = page(faces("a"), sets=pd.DataFrame(rows, columns=list(DISTANCES)))
        return " ".join(" ".join(Reader(text).words).split())

    own, inception = words(ST_ALEXNET, float("nan")), words(INCEPTION, 7.0)
    numbers = "0.50 [0.00, 2.00] 1.50 [1.00, 2.00] 2.50 [2.00, 2.00] 3.50 [3.00, 2.00] –"
    assert (
        f"kernel distance × 1000, |degree| 3 to the true edits st-alexnet-conv5, 120 pictures of 60 photos {numbers}"
        in own
    )
    assert f"KID × 1000, |degree| 3 to the true edits inception-v3, 120 pictures of 60 photos {numbers}" in inception
    assert "not comparable with a KID or FID" in own and "not comparable" not in inception
    assert "Fréchet" not in own and "FID, |degree| 3 to the true edits inception-v3" in inception
    assert "below 10 photos in a set" in " ".join(Reader(page_of("a")).words)


def test_a_large_study_is_cut_to_the_budget_and_says_so() -> None:
    names = [f"face {i:02d}" for i in range(16)]
    table, _ = tables(*names)
    whole = page_of(*names)
    one = sum(len(uri) for part in _parts(study(whole)["faces"][0]) for uri in part["small"].values())
    cut = page(faces(*names), budget=int(10.5 * one))
    held = [found["name"] for found in study(cut)["faces"] if found["small"]]
    assert set(held) == set(by_importance(table, METHODS)[:10])
    assert [found["name"] for found in study(cut)["faces"]] == names
    assert all(found["icon"] for found in study(cut)["faces"])
    assert "small pictures of 10 of 16 faces" in cut and "The page itself holds" not in whole


def test_a_study_without_faces_still_has_a_page() -> None:
    reader = Reader(page([]))
    assert "slider" not in reader.ids and "stratum" in reader.ids


def test_a_recipe_leaves_out_the_way_of_other_photos(tmp_path: Path) -> None:
    def job(name: str, stage: str, before: list[Path], photos: list[str] | None) -> Path:
        path = tmp_path / name
        record = {"stage": stage, "settings": {"of": stage}, "code": "0", "weights": {}, "packages": {}}
        content: dict[str, Any] = {"record": {**record, "inputs": {str(file): "0" for file in before}}}
        if photos is not None:
            content |= {"made": {photo: {} for photo in photos}, "failed": {}}
        write_json(path, content)
        return path

    codes = job("codes/record.json", "known_plate_codes", [], None)
    rendered = job("portraits/a.json", "known_plate", [codes], ["rendered"])
    aligned = job("portraits/b.json", "align", [], ["taken"])
    inverted = job("inversions/a.json", "invert", [rendered, aligned], ["rendered", "taken"])
    recipes = Recipes([rendered, aligned, inverted], {})
    ways = {}
    for photo in ("rendered", "taken"):
        number = recipes.number(inverted.parent / f"{photo}.png", photo)
        assert number is not None
        ways[photo] = [step["stage"] for step in recipes.found[number]]
    assert ways == {"rendered": ["known_plate_codes", "known_plate", "invert"], "taken": ["align", "invert"]}
