"""The page in Chromium: what a reader with a mouse, a keyboard or a phone can do with it."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_study import EVIL, METHODS, SIZE, face, page, stored, tables
from PIL import Image
from selenium import webdriver
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from unripple.files.pictures import Rgb
from unripple.report.gallery import BUDGET
from unripple.report.pictures import TINT, FacePictures

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("first", EVIL.replace("/", "∕"), "third")
PHONE, DESK = 390, 1280
#: Width of the pictures that lie beside the page; those inside it are SIZE wide.
FULL = 256
#: A page opens faster than this, in seconds.
SOON = 2.0
INSTANTLY = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"


class Page:
    """A page in a browser, and all that it asked for."""

    def __init__(self, browser: webdriver.Chrome) -> None:
        self.browser = browser

    def open(self, path: Path, width: int = DESK, motion: str = "reduce") -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        wish = [{"name": "prefers-reduced-motion", "value": motion}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wish})
        self.browser.get("about:blank")
        self.errors(), self.requests()  # what was before does not count
        self.browser.get(path.as_uri())

    def at(self, name: str) -> WebElement:
        return self.browser.find_element(By.ID, name)

    def value(self, expression: str, *arguments: object) -> Any:
        return self.browser.execute_script(f"return {expression}", *arguments)

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def choose_face(self, place: int) -> None:
        self.value("document.querySelectorAll('.face input')[arguments[0]].click()", place)

    def widths(self) -> tuple[int, int]:
        """How wide the files behind the two pictures are; 0 while there is none."""
        left, right = (
            self.value("arguments[0].naturalWidth", self.at(f"{side}-picture")) for side in ("left", "right")
        )
        return left, right

    def wait_for(self, *widths: int) -> None:
        WebDriverWait(self.browser, 10).until(lambda _: self.widths() == widths, f"pictures of {widths} pixels")

    def words(self) -> tuple[str, str]:
        """What the two pictures are, for those who do not see them."""
        left, right = (self.at(f"{side}-picture").get_property("alt") for side in ("left", "right"))
        return str(left), str(right)

    def seen(self) -> Rgb:
        """What the two pictures look like, ``uint8 (H, W, 3)``."""
        slider = self.at("slider")
        self.value(INSTANTLY, slider)
        return np.asarray(Image.open(io.BytesIO(slider.screenshot_as_png)).convert("RGB"))

    def colours(self) -> list[list[int]]:
        """The colours that are seen left and right of the middle."""
        shown = self.seen()
        height, width, _ = shown.shape
        return [shown[int(0.9 * height), int(x * width)].tolist() for x in (0.2, 0.8)]

    def busy(self) -> float:
        """For how many seconds the page's thread has computed."""
        metrics = self.browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    def errors(self) -> list[str]:
        return self._log("browser")

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last call, those inside the page left out."""
        messages = [json.loads(entry)["message"] for entry in self._log("performance")]
        sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:")]

    def _log(self, kind: str) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log(kind)]  # type: ignore[no-untyped-call]


@contextmanager
def started(profile: Path) -> Iterator[Page]:
    """A browser that knows nothing yet."""
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "chromium, chromedriver: not installed; `make test-browser` installs them"
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Page(chrome)
    finally:
        chrome.quit()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with started(tmp_path_factory.mktemp("profile")) as page_of_browser:
        yield page_of_browser


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sequence[FacePictures], Sequence[Path], Path]:
    """Three faces whose pictures are files too, their indexes, and where the page lies."""
    folder = tmp_path_factory.mktemp("study #1 'quoted'")
    faces, indexes = stored(folder, NAMES, size=FULL)
    return faces, indexes, folder / "results/report"


@pytest.fixture(scope="module")
def drawn(study: tuple[Sequence[FacePictures], Sequence[Path], Path]) -> Path:
    """The page of the study."""
    return write(study[2] / "index.html", page(study[0], study[2], study[1]))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def near(found: Sequence[Sequence[int]], *expected: tuple[int, int, int]) -> bool:
    return bool(np.abs(np.array(found) - np.array(expected)).max() <= 6)


def test_nothing_fails_and_nothing_is_asked_of_the_network(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    for place in range(len(NAMES)):
        browser.choose_face(place)
        browser.wait_for(FULL, FULL)
    browser.at("overlay").click()
    assert browser.errors() == []
    asked = browser.requests()
    assert len(asked) > 2 * len(NAMES) and all(url.startswith("file:///") for url in asked)


def test_the_divider_follows_the_mouse(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    slider, position = browser.at("slider"), browser.at("position")
    browser.value(INSTANTLY, slider)
    assert position.get_property("value") == "50"
    hand = ActionChains(browser.browser).move_to_element(slider).click_and_hold()
    hand.move_by_offset(slider.size["width"] // 4, 0).release().perform()
    assert abs(int(str(position.get_property("value"))) - 75) <= 1
    where = browser.value("arguments[0].style.getPropertyValue('--position')", slider)
    assert where == f"{position.get_property('value')}%"
    ActionChains(browser.browser).move_by_offset(-100, 0).perform()  # it was let go
    assert abs(int(str(position.get_property("value"))) - 75) <= 1


def test_the_divider_follows_the_keys_and_says_where_it_is(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    position = browser.at("position")
    browser.value("arguments[0].focus()", position)
    browser.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert position.get_property("value") == "51"
    assert position.get_attribute("aria-valuetext") == "51 % HFGI (baseline), 49 % ripple inpaint"
    browser.press(Keys.HOME)
    assert position.get_property("value") == "0"
    browser.wait_for(FULL, FULL)
    assert near(browser.colours(), (80, 200, 175), (80, 200, 175))  # the right picture alone
    browser.press(Keys.END)
    assert near(browser.colours(), (40, 200, 215), (40, 200, 215))


def test_the_picker_changes_the_pictures(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    browser.choose_face(2)
    assert browser.words()[0].startswith("third: HFGI (baseline), degree")
    Select(browser.at("left")).select_by_visible_text("photo")
    Select(browser.at("right")).select_by_visible_text("truth")
    browser.value("document.querySelector('#degrees input').click()")
    assert browser.words() == ("third: photo, degree −3", "third: truth, degree −3")
    browser.wait_for(FULL, FULL)
    assert near(browser.colours(), (10, 20, 30), (255, 200, 0))
    browser.at("swap").click()
    assert near(browser.colours(), (255, 200, 0), (10, 20, 30))
    browser.browser.find_element(By.CSS_SELECTOR, "#film button[value=e4e]").click()
    assert browser.words()[1] == "third: e4e, degree −3"
    assert [browser.at(f"{side}-head").text for side in ("left", "right")] == ["truth", "e4e"]
    assert browser.value("document.activeElement.value") == "e4e"


def test_the_mask_is_laid_over_and_taken_away(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    browser.wait_for(FULL, FULL)
    before = browser.seen().astype(int)
    browser.at("overlay").click()
    WebDriverWait(browser.browser, 10).until(
        lambda _: browser.value("document.getElementById('mask-picture').complete")
    )
    after = browser.seen().astype(int)
    height, width, _ = before.shape
    inside, outside = (height * 3 // 8, int(0.3 * width)), (height * 3 // 8, int(0.15 * width))
    tinted = 0.45 * before[inside] + 0.55 * np.array(TINT)
    assert np.abs(after[inside] - tinted).max() <= 6
    assert (after[outside] == before[outside]).all()
    browser.at("overlay").click()
    assert (browser.seen() == before).all()


def test_a_picture_tells_what_made_it(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    browser.at("recipe").find_element(By.TAG_NAME, "summary").click()
    told = browser.at("right-recipe").text
    for expected in ("ripple_inpaint", "dilate 8", "MobileStyleGAN-FFHQ (generator, sha256", "code 0123456789abcdef"):
        assert expected in told
    link = browser.at("right-recipe").find_element(By.TAG_NAME, "a").get_property("href")
    assert str(link).startswith("file:///") and "ripple_inpaint/degree~" in str(link)


def test_names_are_text(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    browser.choose_face(1)
    assert browser.at("face-name").text == NAMES[1]
    assert browser.words()[0].startswith(NAMES[1])
    assert browser.browser.find_elements(By.CSS_SELECTOR, "b, i") == []
    browser.wait_for(FULL, FULL)  # its file is found, whatever its name


def test_a_page_alone_shows_its_small_pictures_and_says_why(browser: Page, drawn: Path, tmp_path: Path) -> None:
    browser.open(write(tmp_path / "sent.html", drawn.read_text(encoding="utf-8")))
    WebDriverWait(browser.browser, 10).until(lambda _: browser.at("status").text.startswith("Small pictures"))
    assert browser.widths() == (SIZE, SIZE)
    assert near(browser.colours(), (40, 200, 215), (80, 200, 175))


def test_a_face_that_the_page_does_not_hold_is_read_from_its_files(
    browser: Page, study: tuple[Sequence[FacePictures], Sequence[Path], Path]
) -> None:
    faces, indexes, folder = study
    path = write(folder / "light.html", page(faces, folder, indexes, budget=0))
    browser.open(path)
    assert "small pictures of 0 of 3 faces" in browser.browser.find_element(By.ID, "compare").text
    browser.choose_face(2)
    browser.wait_for(FULL, FULL)
    assert near(browser.colours(), (40, 200, 215), (80, 200, 175))
    assert browser.errors() == []


def test_a_case_leads_into_the_gallery(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    link = browser.browser.find_elements(By.CSS_SELECTOR, "#cases a.look")[-1]
    wanted = browser.value("Object.fromEntries(new URLSearchParams(arguments[0].hash.slice(1)))", link)
    browser.value("arguments[0].focus({preventScroll: true})", link)
    browser.press(Keys.ENTER)
    assert browser.words()[0] == f"{wanted['face']}: HFGI (baseline), degree {wanted['degree']}"
    assert browser.at("right").get_property("value") == wanted["right"]
    assert browser.value("document.activeElement.id") == "position"


def test_the_table_shows_the_rows_and_metrics_that_are_asked_for(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    shown = "[...document.querySelectorAll('table.summary tr')].filter((row) => row.offsetParent).length"
    few = browser.value(shown)
    browser.browser.find_element(By.CSS_SELECTOR, "#numbers-say .every-switch").click()
    assert browser.value(shown) > few
    assert browser.value("[...document.querySelectorAll('.every-switch')].every((one) => one.checked)")
    Select(browser.at("stratum")).select_by_visible_text("degree −3")
    tables = [part for part in browser.browser.find_elements(By.CSS_SELECTOR, ".stratum") if part.is_displayed()]
    assert [table.find_element(By.TAG_NAME, "caption").text[:9] for table in tables] == ["degree −3"]


def test_of_two_pictures_the_one_nearer_to_the_truths_own_value_is_bold(browser: Page, tmp_path: Path) -> None:
    table, _ = tables("a", "b", "c")
    shares = {"hfgi": 0.5, "ripple_inpaint": 0.1, "truth": 0.45}  # less than the truth has is no gain
    table = table.assign(residual_person=table["method"].map(shares))
    browser.open(write(tmp_path / "bold.html", page([face("a"), face("b"), face("c")], tmp_path, table=table)))
    bold = """[...document.querySelectorAll('#numbers tbody tr')]
        .filter((row) => row.cells[0].textContent.startsWith('person in band'))
        .map((row) => [...row.cells].map((cell) => cell.className))[0]"""
    assert [browser.at(f"{side}-head").text for side in ("left", "right")] == ["HFGI (baseline)", "ripple inpaint"]
    assert browser.value(bold) == ["", "better", ""]


TEN = ("e4e", "hfgi", "ripple_inpaint", "split_composite", "bitwise_or", *(f"another_method_{n}" for n in range(5)))


def seen_columns(browser: Page) -> list[str]:
    """The names over the columns of the first table that are inside its scroller, as a reader sees them."""
    return list(
        browser.value(
            """(() => {
            const box = document.querySelector('.stratum').getBoundingClientRect();
            return [...document.querySelectorAll('#stratum-0 thead th[data-method]')].filter((head) => {
                const own = head.getBoundingClientRect();
                return own.width > 0 && own.left >= box.left - 1 && own.right <= box.right + 1;
            }).map((head) => head.dataset.method);
            })()"""
        )
    )


def test_the_table_of_ten_methods_fits_and_the_truth_stays_in_sight(browser: Page, tmp_path: Path) -> None:
    faces = [face(name, methods=TEN) for name in ("a", "b", "c")]
    browser.open(write(tmp_path / "ten.html", page(faces, tmp_path, methods=TEN)))
    scroller = browser.at("stratum-0")
    browser.browser.find_element(By.CSS_SELECTOR, "#numbers-say .every-switch").click()
    fits = "arguments[0].scrollWidth <= arguments[0].clientWidth"
    assert browser.value(fits, scroller)
    assert seen_columns(browser) == [*TEN[:6], "truth"]
    for name in TEN[6:]:  # all of them: now it scrolls, but for the truth
        browser.browser.find_element(By.CSS_SELECTOR, f".method-switch[value={name}]").click()
    assert seen_columns(browser)[-1] == "truth"
    assert browser.value("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for name in TEN[1:9]:
        browser.browser.find_element(By.CSS_SELECTOR, f".method-switch[value={name}]").click()
    assert seen_columns(browser) == ["e4e", TEN[9], "truth"]
    assert browser.value(fits, scroller)
    assert browser.errors() == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_the_page_never_scrolls_sideways(browser: Page, drawn: Path, width: int) -> None:
    browser.open(drawn, width)
    browser.browser.find_element(By.CSS_SELECTOR, ".every-switch").click()
    browser.value("document.getElementById('recipe').open = true")
    inside, whole = (browser.value(f"document.documentElement.{of}Width") for of in ("client", "scroll"))
    assert whole <= inside <= width < inside + 20


def test_a_touch_moves_the_divider_on_a_phone(browser: Page, drawn: Path) -> None:
    browser.open(drawn, PHONE)
    slider = browser.at("slider")
    browser.value(INSTANTLY, slider)
    box = browser.value("arguments[0].getBoundingClientRect().toJSON()", slider)
    for kind, share in (("touchStart", 0.5), ("touchMove", 0.4), ("touchMove", 0.25), ("touchEnd", None)):
        x, y = box["x"] + (share or 0) * box["width"], box["y"] + box["height"] / 2
        points = [] if share is None else [{"x": x, "y": y}]
        browser.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert abs(int(str(browser.at("position").get_property("value"))) - 25) <= 1


def test_everything_that_can_be_used_has_a_name_and_is_reached_by_the_tab_key(browser: Page, drawn: Path) -> None:
    browser.open(drawn)
    controls = browser.browser.find_elements(By.CSS_SELECTOR, "a, button, input, select, summary, [tabindex='0']")
    unnamed = [one.get_attribute("outerHTML") for one in controls if one.is_displayed() and not one.accessible_name]
    assert len(controls) > 30 and unnamed == []
    browser.press(Keys.TAB)
    assert browser.value("document.activeElement.className") == "skip"
    visited = set()
    for _ in range(200):
        browser.press(Keys.TAB)
        visited.add(browser.value("document.activeElement.id || document.activeElement.name"))
        if browser.value("document.activeElement === document.body"):
            break
    assert {"stratum", "face", "degree", "position", "left", "right", "swap", "overlay"} <= visited


@pytest.mark.parametrize(("wish", "behaviour"), [("no-preference", "smooth"), ("reduce", "auto")])
def test_no_motion_for_those_who_asked_for_none(browser: Page, drawn: Path, wish: str, behaviour: str) -> None:
    browser.open(drawn, motion=wish)
    assert browser.value("getComputedStyle(document.documentElement).scrollBehavior") == behaviour


def test_a_page_of_200_faces_opens_at_once_and_is_small_enough_to_send(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    faces = []
    for place in range(200):
        one = face(f"face {place:03d}")
        if place % 5 == 0:  # pictures that compress badly: they fill the budget
            noise = {name: rng.integers(0, 256, (320, 320, 3), dtype=np.uint8) for name in METHODS}
            one = replace(one, edits=tuple(replace(edit, methods=noise) for edit in one.edits))
        faces.append(one)
    path = write(tmp_path / "index.html", page(faces, tmp_path))
    assert 0.9 * BUDGET < path.stat().st_size < 40_000_000
    with started(tmp_path / "profile") as browser:
        # In processor time of the page's own thread: what it takes on a machine that does nothing else.
        browser.browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        browser.browser.get(path.as_uri())
        assert browser.value("performance.getEntriesByType('navigation')[0].loadEventEnd") > 0
        assert 0.05 < browser.busy() < SOON
        assert len(browser.browser.find_elements(By.CSS_SELECTOR, ".face")) == 200
