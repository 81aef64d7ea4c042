"""Which photos a study has: those of a folder or of an archive, all of them or a split of CelebA-HQ.

Snakemake asks this anew inside every job on a cluster: nothing here loads torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from unripple import archives
from unripple.celeba_hq import MAPPING, PARTITION, ListError, Split, numbers
from unripple.shards import PhotosError, check_name, photo_files, printable

#: What the name of a photo in an archive ends with; the rest of an archive (masks' lists, licences) is no photo.
PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
#: Bytes of a list of CelebA-HQ, at most.
LONGEST_LIST: Final = 2**26
HOW: Final = (
    f"{MAPPING} comes with CelebAMask-HQ, {PARTITION} with CelebA; put both beside the photos, or beside the archive"
)


@dataclass(frozen=True)
class Album:
    """The photos of a study: name -> file, or name -> member of ``archive``.

    ``lacking``: how many photos of the split are not there.
    """

    photos: Mapping[str, str]
    archive: Path | None = None
    lacking: int = 0

    def files(self, names: Iterable[str]) -> list[str]:
        """What a job that works on some of the photos reads."""
        wanted = [self.photos[name] for name in names]
        return wanted if self.archive is None else [str(self.archive)] * bool(wanted)


def find(photos: Path, split: Split = "all", cache: Path | None = None) -> Album:
    """The photos in a folder or an archive.

    Of a split of CelebA-HQ (``all``: whatever is there) a photo is known by its number, the file's name without the
    ending. ``cache``: see ``archives.members``. Raises ``PhotosError``: a missing archive, photos that cannot be told
    apart, a split without its lists or without any of its photos.
    """
    try:
        if archives.is_archive(photos) and not photos.is_dir():
            album = _of_archive(photos, split, cache)
        else:
            album = Album({name: str(path) for name, path in photo_files(photos).items()})
        return album if split == "all" else _of_split(album, photos, split, cache)
    except archives.ArchiveError as error:
        raise PhotosError(str(error)) from error


def _of_archive(path: Path, split: Split, cache: Path | None) -> Album:
    # With the members' own names, as they stand in the archive: `tar` also writes "./7.jpg".
    found = [(PurePosixPath(name), name) for name in archives.members(path, cache) if is_picture(PurePosixPath(name))]
    if split != "all":  # CelebAMask-HQ's archive holds masks, too
        found = [(member, name) for member, name in found if member.stem.isdecimal()]
    stems, photos = Counter(printable(member.stem) for member, _ in found), dict[str, str]()
    for member, own in sorted(found):
        stem, told = printable(member.stem), printable(f"{path}: {member}")
        name = stem if stems[stem] == 1 else printable(member.name)
        check_name(name, told)
        if name in photos:
            raise PhotosError(
                f"{told}: another photo is called '{name}', too: {printable(photos[name])}; rename one of them, or"
                " leave it out of the archive"
            )
        photos[name] = own
    return Album(photos, path)


def is_picture(member: PurePath) -> bool:
    """Whether a path inside an archive or below a folder is that of a photo: no hidden file, no Mac's resource fork."""
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in member.parts)
    return not hidden and member.suffix.lower() in PICTURES


def _of_split(album: Album, photos: Path, split: Split, cache: Path | None) -> Album:
    if not album.photos:
        raise PhotosError(
            f"{photos}: no photos there, of which study.split = {split} could be taken: expected a folder or an archive"
            " of CelebA-HQ's photos 0.jpg to 29999.jpg"
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
    return Album(taken, album.archive, lacking=len(wanted) - len(taken))


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
