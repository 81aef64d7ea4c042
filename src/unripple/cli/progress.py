"""What a command is doing and for how long: a bar on a terminal, a line for each finished step elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, TextIO

from tqdm import tqdm

# Seconds between two looks at the clock.
_TICK: Final = 0.2
_SHAPE: Final = "{desc}  {bar:20}  step {n_fmt} of {total_fmt}  {elapsed}"


class Steps:
    """``with Steps(3) as steps: with steps.step("inversion"): …``. Says nothing of a step that fails."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: Any = None
        self._total = total
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._bar = tqdm(total=self._total, file=self._stream, bar_format=_SHAPE, leave=False)
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._bar is not None:
            self._bar.close()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step, told with its seconds when it has succeeded."""
        began = time.monotonic()
        if self._bar is not None:
            self._bar.set_description_str(name)
        yield
        self.say(f"{name}: {time.monotonic() - began:.1f} s")
        if self._bar is not None:
            self._bar.update()

    def say(self, line: str) -> None:
        """A line, above the bar where there is one."""
        if self._bar is None:
            print(line, file=self._stream, flush=True)
        else:
            self._bar.write(line, file=self._stream)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            self._bar.refresh()
