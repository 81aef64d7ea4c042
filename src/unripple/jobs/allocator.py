"""Memory that networks free is kept for the next layer.

They allocate and free large tensors at every layer. By default glibc gives each back to the system, and its pages are
faulted in anew, which costs a CPU much of its time. glibc reads its settings when a process starts, so they are set for
the processes that a run starts, and a command that runs networks itself starts once more.
"""

from __future__ import annotations

import os
import sys
from typing import Final

NAME: Final = "GLIBC_TUNABLES"
TUNABLES: Final = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=17179869184:glibc.malloc.trim_threshold=17179869184"
)


def for_children() -> None:
    """Every process that this one starts keeps its memory, unless its user has settings of their own."""
    os.environ.setdefault(NAME, TUNABLES)


def restart() -> None:
    """Start this program once more, with the settings; nothing where there are some, or where there is no glibc."""
    if NAME in os.environ or not sys.platform.startswith("linux"):
        return
    for_children()
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
