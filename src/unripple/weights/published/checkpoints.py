"""PyTorch's own files, read without running anything that they carry.

A checkpoint is a pickle, and a pickle is a program. All are read by ``torch.load(weights_only=True)``, which knows
tensors and plain containers and refuses every other name. Two published files name other classes, too, beside their
tensors; there, and only for the names listed here, an inert object takes each one's place: it holds what the file says
about it, and does nothing.
"""

from __future__ import annotations

import pickle
import re
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from unripple.weights.published import zips
from unripple.weights.published.manifest import WeightsError

#: What PyTorch Lightning keeps beside the weights: its configuration, its callbacks and their scores.
LIGHTNING: Final = re.compile(
    r"(pytorch_lightning|lightning|omegaconf|saicinpainting|numpy)\..+|typing\.Any|pathlib\.\w+|argparse\.Namespace"
    r"|collections\.defaultdict|(builtins\.)?(dict|list|tuple|set|int|float|str|bool)"
)
#: The modules of a TorchScript archive, which are the code in it, and its lists of numbers.
TORCHSCRIPT: Final = re.compile(r"__torch__\..+|torch\.jit\._pickle\.\w+")


class Inert:
    """Stands for an object of a class that is not loaded; ``state`` is what the file says about it."""

    state: object = None

    def __new__(cls, *_arguments: object, **_named: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state


def _plain_dict(*_arguments: object) -> dict[Any, Any]:
    return {}


def load(path: Path, inert: re.Pattern[str] | None = None) -> Any:
    """What a checkpoint holds, tensors on the CPU and read from the file only when they are used.

    ``inert``: names of classes in whose place an ``Inert`` is put. Raises ``WeightsError`` that names the file for any
    other class or function, and for a file that is damaged or no checkpoint.
    """
    try:
        stand_ins: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = []
        whole = False
        if zipfile.is_zipfile(path):
            with zips.opened(path) as archive:
                whole = all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
            unknown = sorted(get_unsafe_globals_in_checkpoint(path))
            refused = [name for name in unknown if inert is None or not inert.fullmatch(name)]
            if refused:
                raise WeightsError(_refusal(path, ", ".join(refused[:5])))
            stand_ins = [(_stand_in(name), name) for name in unknown]
        with safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=whole)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        raise WeightsError(_refusal(path, named.group(1) if named else str(error).partition("\n")[0])) from error
    except (RuntimeError, ValueError, EOFError, OSError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, WeightsError | FileNotFoundError):
            raise
        raise WeightsError(
            f"{path}: expected a checkpoint of PyTorch, found another or a damaged file"
            f" ({str(error).partition(chr(10))[0]})"
        ) from error


def load_torchscript(path: Path) -> dict[str, Tensor]:
    """Parameters and buffers of a TorchScript archive by name, as the module's state dict would have them.

    ``torch.jit.load`` compiles and runs code of the archive, and ``torch.load`` refuses an archive that has code. So
    the tensors and the table that names them are copied into an archive without code, which ``load`` then reads.
    Raises ``WeightsError``.
    """
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "tensors.pt")
        with zips.opened(path) as archive, zipfile.ZipFile(bare, "w") as copy:
            kept = [m for m in archive.infolist() if re.fullmatch(r"[^/]+/(data\.pkl|version|data/\w+)", m.filename)]
            if not any(member.filename.endswith("/data.pkl") for member in kept):
                raise WeightsError(f"{path}: expected a TorchScript archive with a data.pkl, found none")
            for member in kept:
                name = f"tensors/{member.filename.partition('/')[2]}"
                with archive.open(member) as source, copy.open(name, "w", force_zip64=True) as target:
                    while block := source.read(2**22):
                        target.write(block)
        try:
            module = load(bare, TORCHSCRIPT)
        except WeightsError as error:
            raise WeightsError(str(error).replace(str(bare), str(path))) from error
        return dict(_tensors(module))


def _tensors(module: object) -> Iterator[tuple[str, Tensor]]:
    """All tensors below a module, by name; each module is entered once, so that none can hold itself."""
    waiting, seen = [("", module)], set[int]()
    while waiting:
        prefix, at = waiting.pop()
        if not isinstance(at, Inert) or not isinstance(at.state, dict) or id(at) in seen:
            continue
        seen.add(id(at))
        for name, value in at.state.items():
            if isinstance(value, Tensor):
                yield f"{prefix}{name}", value
            else:
                waiting.append((f"{prefix}{name}.", value))


def _stand_in(name: str) -> Callable[..., Any]:
    # The reader fills dictionaries only, and only of the kinds that it knows.
    if name.endswith("defaultdict"):
        return _plain_dict
    return OrderedDict if name.endswith("AttributeDict") else Inert


def _refusal(path: Path, found: str) -> str:
    return (
        f"{path}: refused: expected tensors and plain containers only, found {found}; loading that could run code of"
        " the file. Get the file from its authors, and check it with `unripple weights verify`"
    )
