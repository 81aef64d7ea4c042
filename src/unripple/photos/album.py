"""Which photos a study has: those of a folder or of an archive, all of them or a split of CelebA-HQ.

Snakemake asks this anew inside every job on a cluster: nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from unripple.photos import archives
from unripple.photos.celeba_hq import MAPPING, PARTITION, ListError, Split, numbers
from unripple.photos.folder import is_picture, repeated, scan
from unripple.photos.names import PhotosError, named, printable

#: Where photos are looked for by default, and what stands for no photos.
DEFAULT: Final = Path("data/photos")
NONE: Final = "none"
#: Bytes of a list of CelebA-HQ, at most.
LONGEST_LIST: Final = 2**26
HOW: Final = (
    f"{MAPPING} comes with CelebAMask-HQ, {PARTITION} with CelebA; put both beside the photos, or beside the archive"
)


@dataclass(frozen=True)
class Album:
    """The photos of a study: name -> file, or name -> member of ``archive``.

    ``lacking``: how many photos of the split are not there; ``left_out``: what was found and is not used, file ->
    reason.
    """

    photos: Mapping[str, str]
    archive: Path | None = None
    lacking: int = 0
    left_out: Mapping[str, str] = field(default_factory=dict)

    def files(self, names: Iterable[str]) -> list[str]:
        """What a job that works on some of the photos reads."""
        wanted = [self.photos[name] for name in names]
        return wanted if self.archive is None else [str(self.archive)] * bool(wanted)

    def source(self, name: str) -> str:
        """The file of a photo as it can be printed; of an archive with its member."""
        file = self.photos[name]
        return printable(file if self.archive is None else f"{self.archive}: {file}")


def find(photos: Path, split: Split = "all", cache: Path | None = None, examples: Collection[str] = ()) -> Album:
    """The photos in a folder, with those in folders below, or in an archive; or a single one.

    ``none`` stands for no photos, and the default folder may be absent. Of a split of CelebA-HQ (``all``: whatever is
    there) a photo is known by its number, the file's name without the ending. Photos that are there twice count once.
    ``cache``: see ``archives.members``; ``examples``: names that are taken. Raises ``PhotosError``: nothing there,
    photos that cannot be told apart, a split without its lists or without any of its photos.
    """
    if str(photos) == NONE and split == "all":
        return Album({})
    photos = photos.expanduser()
    try:
        if photos.is_dir():
            album = _of_folder(photos, below=split == "all")
        elif archives.is_archive(photos):
            album = _of_archive(photos, split, cache)
        elif photos.is_file():
            album = Album({printable(photos.stem): str(photos)})
        elif photos == DEFAULT and split == "all":
            album = Album({})
        else:
            raise PhotosError(
                f"{photos}: no such folder, archive or photo; correct study.photos, or say study.photos: {NONE} for a"
                " study without photos"
            )
        album = album if split == "all" else _of_split(album, photos, split, cache)
    except archives.ArchiveError as error:
        raise PhotosError(str(error)) from error
    for name in sorted(set(examples) & album.photos.keys()):
        raise PhotosError(
            f"{album.source(name)}: an example of the study is called '{name}', too; rename the file, or leave the"
            " example out of study.examples"
        )
    return album


def _of_folder(folder: Path, below: bool) -> Album:
    found, left_out = scan(folder, below)
    left_out = {str(folder / file): reason for file, reason in left_out.items()}
    same = repeated(folder / file for file in found)
    left_out |= {str(file): _same(str(other)) for file, other in same.items()}
    photos = named((file for file in found if folder / file not in same), f"{folder}/")
    return Album({name: str(folder / file) for name, file in photos.items()}, left_out=left_out)


def _of_archive(path: Path, split: Split, cache: Path | None) -> Album:
    members = archives.members(path, cache)
    # With the members' own names, as they stand in the archive: `tar` also writes "./7.jpg".
    found = {PurePosixPath(name): name for name in members if is_picture(PurePosixPath(name))}
    if split != "all":  # CelebAMask-HQ's archive holds masks, too
        return Album(_named({member: name for member, name in found.items() if member.stem.isdecimal()}, path), path)
    taken = set(found.values())
    left_out = {name: "its name does not end like a photo's" for name in members if name not in taken}
    for name, other in archives.repeated(path, taken, cache).items():
        left_out[name] = _same(other)
        taken.remove(name)
    photos = _named({member: name for member, name in found.items() if name in taken}, path)
    return Album(photos, path, left_out={f"{path}: {name}": reason for name, reason in left_out.items()})


def _same(other: str) -> str:
    return f"the same picture as {printable(other)}, counted once"


def _named(members: Mapping[PurePosixPath, str], path: Path) -> dict[str, str]:
    return {name: members[member] for name, member in named(members, f"{path}: ").items()}


def _of_split(album: Album, photos: Path, split: Split, cache: Path | None) -> Album:
    if not album.photos:
        raise PhotosError(
            f"{photos}: expected CelebA-HQ's photos 0.jpg to 29999.jpg, in a folder or an archive, for study.split ="
            f" {split}; found none"
        )
    mapping, partition = (_list(name, album, photos, cache) for name in (MAPPING, PARTITION))
    try:
        wanted = numbers(split, mapping, partition)
    except ListError as error:
        raise PhotosError(str(error)) from error
    numbered: dict[int, list[tuple[str, str]]] = {}
    for file in album.photos.values():
        stem = PurePosixPath(file).stem  # of 7.jpg and 7.png the names are these, not 7
        if stem.isdecimal() and int(stem) in wanted:
            numbered.setdefault(int(stem), []).append((stem, file))
    for found in numbered.values():
        if len(found) > 1:
            files = printable(", ".join(sorted(file for _, file in found)))
            raise PhotosError(f"{photos}: the same number is there twice: {files}; keep one of them")
    if not numbered:
        raise PhotosError(
            f"{photos}: none of the {len(wanted):,} photos of study.split = {split} is there; expected files named by"
            " their number in CelebA-HQ, as 0.jpg to 29999.jpg: rename them, or set study.split: all"
        )
    taken = dict(found[0] for found in numbered.values())
    return Album(taken, album.archive, len(wanted) - len(taken), album.left_out)


def _list(name: str, album: Album, photos: Path, cache: Path | None) -> str:
    places = [photos.parent / name] if album.archive else [photos / name, photos.parent / name]
    for place in places:
        if place.is_file():
            with place.open("rb") as file:
                return _text(file.read(LONGEST_LIST + 1), str(place))
    if album.archive:
        inside = [member for member in archives.members(album.archive, cache) if PurePosixPath(member).name == name]
        for member, data in archives.contents(album.archive, inside[:1], LONGEST_LIST):
            return _text(data, f"{album.archive}: {member}")
    looked = ", ".join(map(str, places)) + (f" and inside {album.archive}" if album.archive else "")
    raise PhotosError(f"{name}: not found; looked for {looked}. {HOW}")


def _text(data: bytes | None, place: str) -> str:
    """A list's text; ``None`` stands for more than the longest one."""
    if data is None or len(data) > LONGEST_LIST:
        raise PhotosError(f"{place}: expected a list of at most {LONGEST_LIST:,} bytes, found a larger file. {HOW}")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise PhotosError(f"{place}: expected a list as text, found other bytes. {HOW}") from None
