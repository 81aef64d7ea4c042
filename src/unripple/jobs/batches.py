"""Photos through a network in batches, while others are read and written: the device never waits for files.

Without a network they go one by one, and torch is not loaded, which takes longer than many a job.
"""

from __future__ import annotations

import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from unripple.jobs.index import IndexWriter
from unripple.photos.decoding import PhotoRefused

if TYPE_CHECKING:
    import torch

#: Largest batch, and the share of a GPU's free memory that a batch may take.
LARGEST, SHARE = 32, 0.6
#: Threads that read and that write, and seconds between two lines about the progress.
READERS, WRITERS, REPORT_EVERY = 2, 2, 10.0

Load = Callable[[str], tuple[Any, ...]]
Make = Callable[..., tuple[Any, ...]]
Save = Callable[..., None]
Loaded = tuple[str, tuple[Any, ...]]
T = TypeVar("T")


class OutOfMemory(RuntimeError):
    """A single photo does not fit into memory; the message names it."""


@dataclass
class Progress:
    """How far a job is and what it took: ``busy`` are the seconds in which the networks ran."""

    photos: int
    done: int = 0
    busy: float = 0.0
    batch: int = 1

    def __post_init__(self) -> None:
        self._began = self._reported = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self._began

    def report(self, *, last: bool = False) -> None:
        """A line into the log, at most every ``REPORT_EVERY`` seconds."""
        now = time.monotonic()
        if last or now - self._reported > REPORT_EVERY:
            self._reported = now
            pace = self.done / max(self.seconds, 1e-9)
            print(
                f"{self.done} of {self.photos} photos, {pace:.2f} a second in batches of {self.batch}; networks ran"
                f" {self.busy / max(self.seconds, 1e-9):.0%} of the time; at most {peak_memory():.0f} MB",
                flush=True,
            )


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def process(
    photos: Iterable[str],
    load: Load,
    make: Make,
    save: Save,
    writer: IndexWriter,
    device: torch.device | None = None,
    batch: int | None = None,
) -> Progress:
    """Load, make and save every photo that an earlier start of the job has not finished.

    Args:
        photos: their names.
        load: name -> tensors without a batch dimension; runs in other threads. Without a device: anything.
        make: those of some photos, stacked and on the device, -> things whose first dimension is the batch. Without a
            device: what ``load`` gave for one photo -> things of that photo.
        save: ``save(files, *things)`` with one photo's part of each; runs in other threads.
        writer: takes what is made. A photo that ``load`` or ``save`` refuses (``PhotoRefused``), or on which the
            network alone fails, is recorded as failed and the others go on.
        device: where the networks of ``make`` work; None where it has none.
        batch: photos at a time; without it 1 on a CPU, and on a GPU what fits by the first photo's peak.

    Raises:
        OutOfMemory: one photo alone does not fit. A batch that does not is halved.
        RuntimeError: the network failed on every one of several photos: then it is not the photos' fault.
    """
    asked = list(photos)
    names = writer.remaining(asked)
    if len(names) < len(asked):
        print(f"{len(asked) - len(names)} of {len(asked)} photos were finished earlier", flush=True)
    progress = Progress(len(names), batch=batch or 1)
    maker = _Maker(make, writer, device, progress, made=len(asked) - len(names), sized=batch is not None)
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(WRITERS) as writers:
        written: deque[Future[None]] = deque()
        loaded = _ahead(readers, lambda name: (name, _or_refusal(load, name)), names, progress)
        try:
            while chunk := list(islice(loaded, progress.batch)):
                for name, refused in ((name, part) for name, part in chunk if isinstance(part, PhotoRefused)):
                    writer.refuse(name, refused.reason)
                good = [(name, part) for name, part in chunk if not isinstance(part, PhotoRefused)]
                for name, parts in maker.made(good):
                    written.append(writers.submit(_write, writer, save, name, parts))
                while len(written) > 2 * progress.batch + WRITERS or (written and written[0].done()):
                    written.popleft().result()
                progress.done += len(chunk)
                progress.report()
        except BaseException:
            readers.shutdown(wait=False, cancel_futures=True)
            raise
        for future in written:
            future.result()
    maker.check()
    progress.report(last=True)
    return progress


class _Maker:
    """Runs the network on batches, and on halves or single photos of those that fail."""

    def __init__(
        self,
        make: Make,
        writer: IndexWriter,
        device: torch.device | None,
        progress: Progress,
        *,
        made: int,
        sized: bool,
    ) -> None:
        self._make, self._writer, self._device, self._progress = make, writer, device, progress
        self._on_gpu = device is not None and device.type == "cuda"
        self._sized = sized or not self._on_gpu
        self._made = made
        self._failed: list[Exception] = []

    def made(self, chunk: list[Loaded]) -> Iterator[tuple[str, list[Any]]]:
        """What the network makes of photos, one by one."""
        if not chunk:
            return
        names = [name for name, _ in chunk]
        try:
            things = self._run([parts for _, parts in chunk])
        except (RuntimeError, ValueError) as error:
            yield from self._less(chunk, error)
            return
        for number, name in enumerate(names):
            self._made += 1
            yield name, [thing[number] for thing in things]

    def check(self) -> None:
        """Raise the first failure if nothing was made and several photos failed."""
        if not self._made and len(self._failed) > 1:
            raise RuntimeError(f"the network failed on all photos: {self._failed[0]}") from self._failed[0]

    def _run(self, chunk: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        began = time.monotonic()
        if self._device is None:
            (one,) = chunk
            things = tuple([thing] for thing in self._make(*one))
        else:
            things = self._on_device(chunk, self._device)
        self._progress.busy += time.monotonic() - began
        return things

    def _on_device(self, chunk: list[tuple[Any, ...]], device: torch.device) -> tuple[Any, ...]:
        import torch

        if not self._sized:
            torch.cuda.reset_peak_memory_stats(device)
        things = self._make(*(torch.stack(parts).to(device) for parts in zip(*chunk, strict=True)))
        if self._on_gpu:
            torch.cuda.synchronize(device)
        if not self._sized:
            free, _ = torch.cuda.mem_get_info(device)
            one = max(torch.cuda.max_memory_allocated(device), 1)
            self._progress.batch = max(1, min(LARGEST, int(SHARE * free / one)))
            self._sized = True
        return things

    def _less(self, chunk: list[Loaded], error: Exception) -> Iterator[tuple[str, list[Any]]]:
        name = chunk[0][0]
        if out_of_memory(error):
            if len(chunk) == 1:
                raise OutOfMemory(f"{name}: does not fit into memory even alone: {error}") from error
            error.__traceback__ = None  # Its frames hold all that the failed batch had allocated.
            if self._on_gpu:
                _free_cached()
            self._progress.batch = half = (len(chunk) + 1) // 2
            print(f"out of memory: batches of {half} from here on", flush=True)
            yield from self.made(chunk[:half])
            yield from self.made(chunk[half:])
        elif type(error).__name__ == "AcceleratorError" or "CUDA error" in str(error):
            raise error  # The device is lost to this process: no photo is to blame, and the next would fail, too.
        elif len(chunk) == 1:
            self._failed.append(error)
            self._writer.refuse(name, f"the network failed on it: {error}")
        else:
            for photo in chunk:
                yield from self.made([photo])


def out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory ran out, on a GPU or a CPU."""
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)


def _free_cached() -> None:
    import torch

    torch.cuda.empty_cache()


def _or_refusal(load: Load, name: str) -> tuple[Any, ...] | PhotoRefused:
    try:
        return load(name)
    except PhotoRefused as refusal:
        return refusal


def _write(writer: IndexWriter, save: Save, name: str, parts: list[Any]) -> None:
    with writer.photo(name) as files:
        save(files, *parts)


def _ahead(pool: ThreadPoolExecutor, work: Callable[[str], T], items: list[str], progress: Progress) -> Iterator[T]:
    """``map`` in a pool, in order, one batch ahead of the one that is taken."""
    waiting: deque[Future[T]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        while len(waiting) > 2 * progress.batch + READERS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
