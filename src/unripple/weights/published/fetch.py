"""Download published weights: resumed where it stopped, from the next source where one fails, never unverified."""

from __future__ import annotations

import contextlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from unripple.weights.published.manifest import Weights, WeightsError, verify

DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
TRIES, TIMEOUT = 4, 60.0


class SourceFailed(RuntimeError):
    """One source did not give the file; the message says why."""


def fetch(weights: Weights, models: Path, sources: Sequence[str] | None = None) -> Path:
    """Put weights into their place, unless the right file is there.

    Raises ``WeightsError`` if a wrong file is there, or if no source gave the right one; then it says what each gave
    and how to place the file by hand.
    """
    path = weights.path(models)
    if path.is_file():
        verify(weights, models)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    failures = []
    for source in sources or weights.sources:
        try:
            download(source, part)
            verify(weights, models, part)
        except SourceFailed as failure:
            failures.append(f"{source}: {failure}")
        except WeightsError as wrong:
            part.unlink()  # bytes of one source must not be continued from another
            failures.append(f"{source}: {str(wrong).partition('; ')[0]}")
        else:
            part.replace(path)
            return path
    told = "\n  ".join(failures)
    raise WeightsError(
        f"{weights.name}: no source gave it:\n  {told}\nGet {weights.file} in another way and put it at {path};"
        " it is verified when it is used"
    )


def download(source: str, part: Path) -> None:
    """Append to ``part`` what is missing of it. Raises ``SourceFailed``; ``part`` then keeps what has come."""
    url = url_of(source)
    reason = ""
    for _ in range(TRIES):
        begun = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                if _received(response, part, begun):
                    return
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416:  # asked for more than there is: what is here is whole, or of something else
                    return
                reason = f"HTTP {error.code} {error.reason}"
                if error.code < 500:
                    break
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
    raise SourceFailed(reason)


def url_of(source: str) -> str:
    """The address of a source; ``drive:ID`` is on Google Drive, ``torchvision:NAME`` where torchvision has it from."""
    scheme, _, name = source.partition(":")
    if scheme == "drive":
        return DRIVE + name
    if scheme == "torchvision":
        from torchvision.models import get_weight

        return str(get_weight(name).url)
    return source


def _received(response: http.client.HTTPResponse, part: Path, begun: int) -> bool:
    """Write a response to ``part``; whether it is whole."""
    if "text/html" in response.headers.get("Content-Type", ""):
        raise SourceFailed("it sent a web page, not the file (often: too many downloads today)")
    resumed = begun > 0 and response.status == 206
    length = response.headers.get("Content-Length")
    total = None if length is None else int(length) + (begun if resumed else 0)
    with (
        part.open("ab" if resumed else "wb") as file,
        tqdm(total=total, initial=begun if resumed else 0, unit="B", unit_scale=True, desc=part.stem) as bar,
        contextlib.suppress(http.client.IncompleteRead, TimeoutError, ConnectionError),
    ):
        while block := response.read(2**20):
            file.write(block)
            bar.update(len(block))
    return total is None or part.stat().st_size >= total
