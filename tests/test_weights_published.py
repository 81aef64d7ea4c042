"""Published weights: found, fetched, resumed, verified, refused. A loopback server stands in for every source."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unripple.cli.app import app
from unripple.weights.published import fetch as fetching
from unripple.weights.published import manifest
from unripple.weights.published.fetch import fetch
from unripple.weights.published.manifest import Weights, WeightsError, verify

RUN = CliRunner()
CONTENT = bytes(range(256)) * 4096
WEIGHTS = Weights("toy", "toy.pt", "numbers", "MIT", (), (hashlib.sha256(CONTENT).hexdigest(),), len(CONTENT))


class Server(http.server.ThreadingHTTPServer):
    """Sends CONTENT; ``/cut`` ends after a third of what is left, ``/whole`` ignores ranges, and so on."""

    ranges: list[str]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.ranges.append(asked)
        if self.path == "/gone":
            self.send_error(404)
            return
        body, status = (b"<html>quota</html>" if self.path == "/page" else CONTENT), 200
        if self.path == "/other":
            body = CONTENT[::-1]
        if asked and self.path != "/whole":
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])  # type: ignore[index]
            if start >= len(body):
                self.send_error(416)
                return
            body, status = body[start:], 206
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 3] if self.path == "/cut" and len(body) > 400_000 else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as serving:
        serving.ranges = []
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


@pytest.fixture
def source(server: Server) -> Callable[[str], str]:
    return lambda path: f"http://127.0.0.1:{server.server_address[1]}{path}"


def test_the_manifest_is_whole() -> None:
    found = manifest.manifest()
    assert {"hfgi", "e4e", "psp", "stylegan2", "arcface", "graphonomy", "big-lama", "pose", "smile"} <= found.keys()
    for weights in found.values():
        assert weights.sources and weights.licence and weights.holds
        assert all(re.fullmatch(r"[0-9a-f]{8,64}", checksum) for checksum in weights.sha256)
        assert all(re.match(r"(https://|drive:|torchvision:)", source) for source in weights.sources)
    assert len({weights.file for weights in found.values()}) == len(found)


@pytest.mark.parametrize("name", manifest.manifest())
def test_the_notice_lists_every_file(name: str, root: Path) -> None:
    published = (root / "NOTICE").read_text(encoding="utf-8").partition("\nPublished weights\n")[2]
    assert f"`{name}`" in published


def test_sources_have_addresses() -> None:
    assert fetching.url_of("https://example.org/a.pt") == "https://example.org/a.pt"
    assert fetching.url_of("drive:ID").endswith("id=ID")
    assert fetching.url_of(manifest.named("alexnet").sources[0]).endswith("/alexnet-owt-7be5be79.pth")


def test_fetch_puts_the_file_into_its_place(tmp_path: Path, source: Callable[[str], str]) -> None:
    path = fetch(WEIGHTS, tmp_path, [source("/")])
    assert path == tmp_path / "originals/toy.pt"
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["toy.pt"]


def test_a_cut_connection_is_resumed(tmp_path: Path, server: Server, source: Callable[[str], str]) -> None:
    assert fetch(WEIGHTS, tmp_path, [source("/cut")]).read_bytes() == CONTENT
    assert server.ranges[0] == "" and len(server.ranges) > 1
    starts = [int(asked[6:-1]) for asked in server.ranges[1:]]
    assert starts == sorted(starts) and starts[0] == len(CONTENT) // 3


def test_an_earlier_try_is_gone_on_with(tmp_path: Path, server: Server, source: Callable[[str], str]) -> None:
    part = tmp_path / "originals/toy.pt.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:1000])
    assert fetch(WEIGHTS, tmp_path, [source("/")]).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_a_server_without_ranges_sends_all_again(tmp_path: Path, source: Callable[[str], str]) -> None:
    part = tmp_path / "originals/toy.pt.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1000)
    assert fetch(WEIGHTS, tmp_path, [source("/whole")]).read_bytes() == CONTENT


@pytest.mark.parametrize("bad", ["/gone", "/page", "/other"])
def test_the_next_source_is_tried(tmp_path: Path, source: Callable[[str], str], bad: str) -> None:
    assert fetch(WEIGHTS, tmp_path, [source(bad), source("/")]).read_bytes() == CONTENT


def test_when_none_gives_it_each_is_told(tmp_path: Path, source: Callable[[str], str]) -> None:
    with pytest.raises(WeightsError) as told:
        fetch(WEIGHTS, tmp_path, [source("/gone"), source("/page"), source("/other"), "http://127.0.0.1:1/"])
    message = str(told.value)
    for part in ("/gone: HTTP 404", "/page: it sent a web page", "expected sha256", "found sha256", "refused"):
        assert part in message, part
    assert f"put it at {tmp_path}/originals/toy.pt" in message
    assert not (tmp_path / "originals/toy.pt").exists()


def test_a_file_placed_by_hand_is_found_and_verified(tmp_path: Path) -> None:
    place(tmp_path, CONTENT)
    assert fetch(WEIGHTS, tmp_path, ["http://127.0.0.1:1/"]).read_bytes() == CONTENT
    assert verify(WEIGHTS, tmp_path) == WEIGHTS.sha256[0]


@pytest.mark.parametrize(
    ("content", "said"), [(CONTENT[:-1], "expected 1048576 bytes"), (CONTENT[::-1], "found sha256")]
)
def test_another_file_is_refused_and_stays(tmp_path: Path, content: bytes, said: str) -> None:
    path = place(tmp_path, content)
    for use in (verify, fetch):
        with pytest.raises(WeightsError, match=said):
            use(WEIGHTS, tmp_path)
    assert path.read_bytes() == content


def test_without_a_public_checksum_the_first_file_is_held_to(tmp_path: Path) -> None:
    unknown = replace(WEIGHTS, sha256=(), bytes=None)
    place(tmp_path, CONTENT)
    found = verify(unknown, tmp_path)
    assert json.loads((tmp_path / "weights.lock.json").read_text()) == {"toy.pt": found}
    assert verify(unknown, tmp_path) == found
    place(tmp_path, CONTENT + b"!")
    with pytest.raises(WeightsError, match=f"expected sha256 {found}"):
        verify(unknown, tmp_path)


def test_a_public_checksum_writes_no_lock(tmp_path: Path) -> None:
    place(tmp_path, CONTENT)
    verify(WEIGHTS, tmp_path)
    assert not (tmp_path / "weights.lock.json").exists()


def test_a_lock_that_is_no_json_is_told(tmp_path: Path) -> None:
    place(tmp_path, CONTENT)
    (tmp_path / "weights.lock.json").write_text("{")
    with pytest.raises(WeightsError, match=r"weights\.lock\.json: expected JSON"):
        verify(replace(WEIGHTS, sha256=()), tmp_path)


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: Callable[[str], str]) -> None:
    toy = replace(WEIGHTS, sources=(source("/"),))
    monkeypatch.setattr(manifest, "manifest", lambda: {"toy": toy})
    models = ["--models", str(tmp_path)]
    assert "no published weights here" in RUN.invoke(app, ["weights", "verify", *models]).output
    missing = RUN.invoke(app, ["weights", "verify", "toy", *models])
    assert missing.exit_code == 1 and "unripple weights fetch toy" in missing.output
    assert RUN.invoke(app, ["weights", "fetch", "toy", *models]).exit_code == 0
    assert toy.sha256[0] in RUN.invoke(app, ["weights", "verify", *models]).output
    assert source("/") in RUN.invoke(app, ["weights", "where", "toy", *models]).output
    assert "toy" in RUN.invoke(app, ["weights", "list", *models]).output
    unknown = RUN.invoke(app, ["weights", "fetch", "tory", *models])
    assert unknown.exit_code == 1 and "expected one of toy" in unknown.output


def test_drive_sources_become_addresses() -> None:
    assert fetching.url_of("drive:abc").endswith("id=abc") and fetching.url_of("https://x/y") == "https://x/y"


def place(models: Path, content: bytes) -> Path:
    path = WEIGHTS.path(models)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path
