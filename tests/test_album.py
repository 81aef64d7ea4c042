"""Photos from a folder, an archive, or a split of CelebA-HQ by its official lists."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unripple.photos import archives, readers
from unripple.photos.album import find
from unripple.photos.celeba_hq import MAPPING, PARTITION, ListError, numbers
from unripple.photos.decoding import Photo, PhotoRefused
from unripple.photos.names import PhotosError
from unripple.stages.align import already_aligned

#: Both lists as they are published: columns padded with spaces, a header in the first only.
MAPPING_TEXT = """idx     orig_idx  orig_file
0       119613    119614.jpg
1       99094     099095.jpg
2       200121    200122.jpg
3       81059     081060.jpg
11      202040    202041.jpg
"""
PARTITION_TEXT = "099095.jpg 0\n081060.jpg 1\n119614.jpg 2\n200122.jpg 2\n202041.jpg 2\n000001.jpg 0\n"
TEST = {0, 2, 11}


def zipped(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: Mapping[str, bytes]) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed = plain.getvalue()
    path.write_bytes(
        gzip.compress(packed) if path.suffix == ".tgz" else lzma.compress(packed) if path.suffix == ".xz" else packed
    )
    return path


def picture(grey: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (128, 128), (grey, grey, grey)).save(file, "PNG")
    return file.getvalue()


def told(read: Callable[[], Photo]) -> int:
    return int(read().rgb[0, 0, 0])


PACKERS = [(zipped, "photos.zip"), (tarred, "photos.tar"), (tarred, "photos.tgz"), (tarred, "photos.tar.xz")]
#: The layout of CelebAMask-HQ: pictures, masks and one of the lists.
CELEBA = {f"CelebAMask-HQ/CelebA-HQ-img/{number}.jpg": picture(number) for number in (11, 3, 2, 1, 0)} | {
    "CelebAMask-HQ/CelebAMask-HQ-mask-anno/0/00002_hair.png": b"mask",
    f"CelebAMask-HQ/{MAPPING}": MAPPING_TEXT.encode(),
    "CelebAMask-HQ/README.txt": b"do not publish",
}


def test_the_two_lists_give_each_split() -> None:
    assert numbers("test", MAPPING_TEXT, PARTITION_TEXT) == TEST
    assert numbers("train", MAPPING_TEXT, PARTITION_TEXT) == {1}
    assert numbers("val", MAPPING_TEXT, PARTITION_TEXT) == {3}


@pytest.mark.parametrize(
    ("mapping", "partition", "message"),
    [
        (MAPPING_TEXT.replace("200122.jpg", ""), PARTITION_TEXT, f"{MAPPING}, line 4: expected 3 columns"),
        (MAPPING_TEXT, PARTITION_TEXT.replace("119614.jpg 2", "119614.jpg 3"), f"{PARTITION}, line 3: expected 0, 1"),
        (MAPPING_TEXT, PARTITION_TEXT.replace("081060", "081061"), "line 5: 081060.jpg is not in list_eval_part"),
        (MAPPING_TEXT + "0 5 119614.jpg\n", PARTITION_TEXT, "line 7: expected a new number, found 0"),
        ("", PARTITION_TEXT, f"{MAPPING}: expected a line for each photo .* found none; take the list whole"),
        (MAPPING_TEXT.splitlines()[0], PARTITION_TEXT, f"{MAPPING}: expected a line for each photo"),
        (MAPPING_TEXT, "\n", f"{PARTITION}: expected a line for each photo of CelebA, found none; take"),
    ],
)
def test_a_list_that_is_not_whole_is_refused_by_line(mapping: str, partition: str, message: str) -> None:
    with pytest.raises(ListError, match=message):
        numbers("test", mapping, partition)


@pytest.mark.parametrize(("pack", "name"), PACKERS)
def test_the_test_split_is_taken_out_of_an_archive(
    tmp_path: Path, pack: Callable[[Path, Mapping[str, bytes]], Path], name: str
) -> None:
    archive = pack(tmp_path / name, CELEBA)
    (tmp_path / PARTITION).write_text(PARTITION_TEXT)
    album = find(archive, "test")
    assert album.photos == {str(number): f"CelebAMask-HQ/CelebA-HQ-img/{number}.jpg" for number in TEST}
    assert (album.archive, album.lacking) == (archive, 0)
    assert (album.files(["0", "2"]), album.files([])) == ([str(archive)], [])
    assert {name: told(read) for name, read in readers.readers(album.photos, archive)} == {"0": 0, "2": 2, "11": 11}


def test_the_test_split_is_taken_out_of_a_folder(tmp_path: Path) -> None:
    photos = tmp_path / "CelebA-HQ-img"
    photos.mkdir()
    for number in (0, 1, 3, 11):
        (photos / f"{number:05d}.png").write_bytes(picture(number))
    (tmp_path / MAPPING).write_text(MAPPING_TEXT)
    (photos / PARTITION).write_text(PARTITION_TEXT)
    album = find(photos, "test")
    assert album.photos == {"00000": str(photos / "00000.png"), "00011": str(photos / "00011.png")}
    assert album.lacking == 1
    assert {name: told(read) for name, read in readers.readers(album.photos)} == {"00000": 0, "00011": 11}


def test_a_folder_gives_every_photo_without_a_split(tmp_path: Path) -> None:
    (tmp_path / "me.jpg").write_bytes(b"me")
    assert find(tmp_path).photos == {"me": str(tmp_path / "me.jpg")}


def test_an_archive_gives_every_picture_without_a_split(tmp_path: Path) -> None:
    files = {
        "a/me.jpg": b"",
        "a/you.PNG": b"",
        "a/you.jpg": b"",
        "a/.me.jpg": b"",
        "__MACOSX/a/me.jpg": b"",
        "x.txt": b"",
    }
    assert find(zipped(tmp_path / "photos.zip", files)).photos == {
        "me": "a/me.jpg",
        "you.PNG": "a/you.PNG",
        "you.jpg": "a/you.jpg",
    }


@pytest.mark.parametrize(("pack", "name"), [(zipped, "photos.zip"), (tarred, "photos.tar")])
def test_members_keep_their_own_names(
    tmp_path: Path, pack: Callable[[Path, Mapping[str, bytes]], Path], name: str
) -> None:
    archive = pack(tmp_path / name, {"./7.png": picture(7), "a//8.png": picture(8)})
    album = find(archive)
    assert {name: told(read) for name, read in readers.readers(album.photos, archive)} == {"7": 7, "8": 8}


def test_photos_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotosError, match=r"photos\.zip: 1\.png\.jpg: another photo is called '1\.png', too: 1\.png;"):
        find(zipped(tmp_path / "photos.zip", {"1.jpg": b"", "1.png": b"", "1.png.jpg": b""}))
    (tmp_path / MAPPING).write_text(MAPPING_TEXT)
    (tmp_path / PARTITION).write_text(PARTITION_TEXT)
    with pytest.raises(PhotosError, match=r"celeba\.zip: the same number is there twice: 00002\.jpg, 2\.jpg; keep one"):
        find(zipped(tmp_path / "celeba.zip", {"2.jpg": b"", "00002.jpg": b""}), "test")
    with pytest.raises(PhotosError, match=r"the same number is there twice: 2\.jpg, 2\.png; keep one"):
        find(zipped(tmp_path / "celeba.zip", {"2.jpg": b"", "2.png": b"", "0.jpg": b""}), "test")
    for name in ("2.jpg", "2.png", "1.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(PhotosError, match=r"the same number is there twice: .*/2\.jpg, .*/2\.png; keep one"):
        find(tmp_path, "test")


@pytest.mark.parametrize("packed", [False, True])
def test_a_list_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    files = {"0.jpg": b""} | ({MAPPING: MAPPING_TEXT.encode()} if packed else {})
    archive = zipped(tmp_path / "photos.zip", files)
    (tmp_path / PARTITION).write_text(PARTITION_TEXT)
    if not packed:
        (tmp_path / MAPPING).write_text(MAPPING_TEXT)
    monkeypatch.setattr("unripple.photos.album.LONGEST_LIST", 100)
    with pytest.raises(PhotosError, match=f"{MAPPING}: expected a list of at most 100 bytes, found a larger file"):
        find(archive, "test")


@pytest.mark.parametrize(("missing", "other"), [(MAPPING, PARTITION), (PARTITION, MAPPING)])
def test_a_missing_list_is_named_with_where_it_was_looked_for(tmp_path: Path, missing: str, other: str) -> None:
    archive = zipped(tmp_path / "photos.zip", {"0.jpg": b""})
    (tmp_path / other).write_text(MAPPING_TEXT if other == MAPPING else PARTITION_TEXT)
    with pytest.raises(PhotosError, match=f"^{missing}: not found; looked for {tmp_path / missing} and inside"):
        find(archive, "test")


@pytest.mark.parametrize("name", ["none", "none.zip"])
def test_a_split_of_nothing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PhotosError, match=f"{tmp_path / name}: no "):
        find(tmp_path / name, "test")


def test_a_split_without_any_of_its_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / PARTITION).write_text(PARTITION_TEXT)
    (tmp_path / MAPPING).write_text(MAPPING_TEXT)
    with pytest.raises(PhotosError, match=r"none of the 3 photos of study\.split = test"):
        find(zipped(tmp_path / "photos.zip", {"1.jpg": b"", "3.jpg": b""}), "test")


@pytest.mark.parametrize("name", ["../evil.jpg", "a/../../evil.jpg", "/evil.jpg", "c:\\evil.jpg", "..\\evil.jpg"])
@pytest.mark.parametrize(("pack", "archive"), PACKERS[:3])
def test_an_archive_that_leads_out_is_refused(
    tmp_path: Path, pack: Callable[[Path, Mapping[str, bytes]], Path], archive: str, name: str
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(PhotosError, match=f"{archive}: refused: its member .*evil.jpg' points out of the archive"):
        find(pack(inside / archive, {"good.jpg": b"", name: b""}))
    assert [path.name for path in tmp_path.rglob("*")] == ["inside", archive]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "photos.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("me.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(PhotosError, match=r"its member me\.jpg is a link or a device"):
        find(path)


def test_a_linked_member_of_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("me.jpg")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(PhotosError, match="is a link or a device"):
        find(tmp_path / "photos.zip")


def test_a_member_larger_than_any_photo_is_refused_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_BYTES", 9)
    for pack, name in PACKERS[:2]:
        album = find(pack(tmp_path / name, {"me.jpg": b"0123456789", "you.jpg": b"no picture"[:9]}))
        reasons = {}
        for photo, read in readers.readers(album.photos, tmp_path / name):
            with pytest.raises(PhotoRefused) as refusal:
                read()
            reasons[photo] = refusal.value.reason
        assert "bytes; shrink it first" in reasons["me"]
        assert "not a picture" in reasons["you"]


@pytest.mark.parametrize(("pack", "name"), PACKERS)
def test_a_damaged_archive_is_named(
    tmp_path: Path, pack: Callable[[Path, Mapping[str, bytes]], Path], name: str
) -> None:
    path = pack(tmp_path / name, {"me.jpg": np.random.default_rng(0).bytes(4000)})
    path.write_bytes(path.read_bytes()[:1500] if name != "photos.tar" else b"tar?")
    with pytest.raises(PhotosError, match=f"{name}: expected a whole archive"):
        find(path)


def test_a_list_of_members_is_kept_until_the_archive_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, cache = tarred(tmp_path / "photos.tgz", {"me.jpg": b""}), tmp_path / "cache"
    first = find(archive, cache=cache).photos
    with monkeypatch.context() as patched:
        patched.setattr(archives, "_tar_members", lambda path: pytest.fail("listed again"))
        assert find(archive, cache=cache).photos == first
    tarred(archive, {"me.jpg": b"", "another.jpg": b"longer"})
    assert set(find(archive, cache=cache).photos) == {"me", "another"}


def test_an_aligned_photo_is_taken_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    aligned = already_aligned(picture)
    assert np.array_equal(aligned.rgb, picture)
    assert np.array_equal(aligned.transform, np.eye(3))
    assert aligned.notes == ()


def test_an_aligned_photo_of_another_size_is_resized_and_that_is_said() -> None:
    aligned = already_aligned(np.full((512, 512, 3), 7, np.uint8))
    assert aligned.rgb.shape == (1024, 1024, 3)
    assert (aligned.rgb == 7).all()
    assert aligned.transform[0, 0] == aligned.transform[1, 1] == 0.5
    assert aligned.notes == ("aligned already; resized from 512 to 1024",)


@pytest.mark.parametrize("shape", [(600, 500, 3), (100, 100, 3)])
def test_a_photo_that_cannot_be_aligned_already_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(PhotoRefused, match=r"expected a square of at least 128.*study\.aligned"):
        already_aligned(np.zeros(shape, np.uint8))
