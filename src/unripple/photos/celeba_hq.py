"""CelebA-HQ's official split: which of its photos are for training, for validation and for the test.

Karras et al. (ICLR 2018) made CelebA-HQ's 30,000 photos from CelebA's; the split is CelebA's own (Liu et al., ICCV
2015). Two lists join them: 24,183 train, 2,993 val, 2,824 test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, get_args

Split = Literal["all", "train", "val", "test"]

#: number in CelebA-HQ, number and file in CelebA; a header row first. Comes with CelebAMask-HQ.
MAPPING: Final = "CelebA-HQ-to-CelebA-mapping.txt"
#: File in CelebA, and 0, 1 or 2 for train, val and test. Comes with CelebA.
PARTITION: Final = "list_eval_partition.txt"
_NUMBER: Final[dict[str, str]] = {"train": "0", "val": "1", "test": "2"}


class ListError(ValueError):
    """One of the two lists is not what it should be; the message names the list and the line."""


def numbers(split: Split, mapping: str, partition: str) -> set[int]:
    """The numbers of the photos of a split, from the text of the two lists. Raises ``ListError``."""
    if split not in _NUMBER:
        raise ValueError(f"split {split!r}: expected one of {', '.join(get_args(Split)[1:])}")
    part_of: dict[str, str] = {}
    for line, (file, part) in _rows(partition, PARTITION, 2):
        if part not in _NUMBER.values():
            raise ListError(f"{PARTITION}, line {line}: expected 0, 1 or 2 after {file}, found {part}")
        part_of[file] = part
    if not part_of:
        raise ListError(f"{PARTITION}: expected a line for each photo of CelebA, found none; take the list whole")
    found: dict[int, str] = {}
    for line, (number, _, file) in _rows(mapping, MAPPING, 3):
        if line == 1 and not number.isdecimal():
            continue  # the header
        if not number.isdecimal() or int(number) in found:
            raise ListError(f"{MAPPING}, line {line}: expected a new number, found {number}")
        if file not in part_of:
            raise ListError(f"{MAPPING}, line {line}: {file} is not in {PARTITION}; take both lists whole")
        found[int(number)] = part_of[file]
    if not found:
        raise ListError(f"{MAPPING}: expected a line for each photo of CelebA-HQ, found none; take the list whole")
    return {number for number, part in found.items() if part == _NUMBER[split]}


def _rows(text: str, name: str, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Line number and columns of every line that is not empty."""
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.split()
        if parts and len(parts) != columns:
            raise ListError(f"{name}, line {number}: expected {columns} columns, found {line[:60]!r}")
        if parts:
            yield number, parts
