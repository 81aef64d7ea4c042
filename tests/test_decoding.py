"""Reading anybody's photo."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from unripple.files.pictures import Rgb
from unripple.photos import decoding
from unripple.photos.decoding import PhotoRefused, read_photo

SIDE = 160


@pytest.fixture
def rgb() -> Rgb:
    """A smooth picture without symmetry, 160 high and 200 wide."""
    y, x = np.mgrid[0:SIDE, 0:200]
    return np.stack([x, y, (x + y) // 2], axis=2).astype(np.uint8)


def reason(path: Path) -> str:
    with pytest.raises(PhotoRefused) as refused:
        read_photo(path)
    return refused.value.reason


def test_a_plain_photo_is_read_unchanged(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, rgb)
    assert photo.notes == ()


@pytest.mark.parametrize("content", [b"", b"a letter, no picture", b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_a_file_that_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert "not a picture" in reason(tmp_path / "a.jpg")


def test_a_missing_file_is_not_called_a_bad_photo(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tiff", "a.bmp"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_photo_is_refused(tmp_path: Path, rgb: Rgb, name: str, share: float) -> None:
    Image.fromarray(rgb).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    assert any(word in reason(tmp_path / name) for word in ("truncated", "not a picture"))


def test_damaged_content_is_refused(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    assert "damaged" in reason(tmp_path / "a.png")


@pytest.mark.parametrize("error", [TypeError("Missing dimensions"), ZeroDivisionError(), MemoryError()])
def test_whatever_a_decoder_raises_is_a_refusal(
    tmp_path: Path, rgb: Rgb, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def load(picture: Image.Image) -> None:
        raise error

    Image.fromarray(rgb).save(tmp_path / "a.png")
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    assert ("memory" if isinstance(error, MemoryError) else "damaged") in reason(tmp_path / "a.png")


def test_tiny_photos_are_refused_with_their_size(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb[:100]).save(tmp_path / "a.png")
    assert "200x100" in reason(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tiff"])
def test_animations_and_pages_are_refused(tmp_path: Path, rgb: Rgb, name: str) -> None:
    frames = [Image.fromarray(rgb), Image.fromarray(255 - rgb), Image.fromarray(rgb // 2)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert "animated or multi-page" in reason(tmp_path / name)


@pytest.mark.timeout(20)
def test_thousands_of_pages_are_not_counted(tmp_path: Path) -> None:
    def page(at: int, last: bool) -> bytes:
        tags = {256: 200, 257: 200, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 200, 279: 40_000}
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
        following = 0 if last else at + 2 + len(entries) + 4
        return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)

    content = b"II*\0" + struct.pack("<I", 8)
    size = len(page(0, True))
    content += b"".join(page(8 + number * size, number == 39_999) for number in range(40_000))
    (tmp_path / "a.tiff").write_bytes(content)
    assert "animated or multi-page" in reason(tmp_path / "a.tiff")


def test_a_phone_s_mpo_gives_its_first_picture(tmp_path: Path, rgb: Rgb) -> None:
    first, second = Image.fromarray(rgb), Image.fromarray(255 - rgb)
    first.save(tmp_path / "a.mpo", save_all=True, append_images=[second], quality=95)
    assert np.abs(read_photo(tmp_path / "a.mpo").rgb.astype(int) - rgb).mean() < 3


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    side = 40_000
    header = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    assert "bomb" in reason(tmp_path / "a.png")


def test_half_a_bomb_is_refused_too(tmp_path: Path, rgb: Rgb, monkeypatch: pytest.MonkeyPatch) -> None:
    # Between one and two limits Pillow only warns.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", rgb.shape[0] * rgb.shape[1] - 1)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    assert "bomb" in reason(tmp_path / "a.png")


@pytest.mark.timeout(20)
def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    # Each is a few bytes that cost a pass over all pixels.
    Image.new("L", (4000, 4000), 90).save(tmp_path / "a.jpg", progressive=True)
    content = (tmp_path / "a.jpg").read_bytes()
    last = content[content.rindex(b"\xff\xda") : -2]
    (tmp_path / "a.jpg").write_bytes(content[:-2] + 5000 * last + content[-2:])
    assert "more than 100 scans (50" in reason(tmp_path / "a.jpg")


def test_only_scans_of_the_picture_itself_count(tmp_path: Path, rgb: Rgb) -> None:
    exif = Image.Exif()
    exif[0x010E] = "\xff\xda" * 500
    Image.fromarray(rgb).save(tmp_path / "a.jpg", progressive=True, exif=exif, quality=95)
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes() + b"\xff\xda" * 500)
    assert np.abs(read_photo(tmp_path / "a.jpg").rgb.astype(int) - rgb).mean() < 3


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "not a file" in reason(tmp_path / "pipe.jpg")
    assert "not a file" in reason(Path("/dev/zero"))
    with (tmp_path / "sparse.jpg").open("wb") as file:
        file.truncate(decoding.MAX_BYTES + 1)
    assert "600,000,001 bytes" in reason(tmp_path / "sparse.jpg")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(tmp_path: Path, rgb: Rgb, orientation: int) -> None:
    stored = {
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: np.rot90(rgb),
        7: rgb[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(rgb, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, rgb)
    assert any("EXIF" in note for note in photo.notes) == (orientation != 1)


@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp", "avif"])
@pytest.mark.parametrize("orientation", [0, 1, 6, 9])
def test_what_is_said_of_the_orientation_is_true(tmp_path: Path, rgb: Rgb, ending: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(rgb).save(tmp_path / f"a.{ending}", exif=exif)
    photo = read_photo(tmp_path / f"a.{ending}")
    turned = orientation == 6
    assert photo.rgb.shape == ((200, 160, 3) if turned else (160, 200, 3))
    assert photo.notes == (("turned upright by its EXIF orientation",) if turned else ())


@pytest.mark.parametrize("name", ["a.HEIC", "a.jpg"])
@pytest.mark.parametrize("pages", [1, 2])
def test_a_phone_s_heic_is_read_whatever_it_is_called(tmp_path: Path, rgb: Rgb, name: str, pages: int) -> None:
    pillow_heif.register_heif_opener()
    more = [Image.fromarray(255 - rgb)] * (pages - 1)
    Image.fromarray(rgb).save(tmp_path / name, format="HEIF", quality=95, save_all=True, append_images=more)
    photo = read_photo(tmp_path / name)
    assert np.abs(photo.rgb.astype(int) - rgb).mean() < 4
    assert photo.notes == ()
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert len(reason(tmp_path / name).splitlines()) == 1
    assert "truncated or damaged" in reason(tmp_path / name)


def test_avif_is_read(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.jpg", format="AVIF", quality=95)
    assert np.abs(read_photo(tmp_path / "a.jpg").rgb.astype(int) - rgb).mean() < 4
    Image.fromarray(rgb).save(tmp_path / "a.avif", save_all=True, append_images=[Image.fromarray(255 - rgb)])
    assert "animated" in reason(tmp_path / "a.avif")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file; copy or download it again"),
        (b"\0" * 5000, "only zeros"),
        (b"\xff\x0a\x00\x10", "JPEG XL; export"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL; export"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000; export"),
        (b"II*\0\x10\0\0\0CR\x02\0", "raw file (CR2); develop it"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "raw file (CR3); develop it"),
        (b"FUJIFILMCCD-RAW 0201", "raw file (RAF); develop it"),
        (b"8BPS\0\1\0\0", "a Photoshop document (PSD); export"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "a video (MP4, MOV); export the frame"),
        (b"RIFF\x10\0\0\0AVI LIST", "a video (AVI); export the frame"),
        (b"\x1a\x45\xdf\xa3\x9fB", "a video (Matroska"),
        (b"%PDF-1.7\n", "a PDF document; export its picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript (EPS)"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg width='3'>", "a drawing (SVG); export"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html>", "an HTML page; a download that met a web page"),
        ("<html>".encode("utf-16"), "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "a Git LFS pointer"),
        (b"outs:\n- md5: 0123\n  path: a.jpg\n", "a DVC pointer"),
        (b'{"error": 404}', "JSON; download the picture itself"),
        (b"hello", "text; download the picture itself"),
        (b"PK\x03\x04\x14\0", "a ZIP archive"),
        (b"\xff\xd8\xff\xe0\0\x10JF", "truncated or damaged"),
        (b"\x01\x02\x03\x99\xfe", "not a picture that can be read"),
    ],
)
def test_what_cannot_be_read_is_named_for_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert said in reason(tmp_path / "a.jpg")
    assert reason(tmp_path / "a.jpg").startswith("not a picture") or "damaged" in reason(tmp_path / "a.jpg")


@pytest.mark.parametrize(("tag", "value"), [(254, 1), (50706, b"\1\4\0\0")])
def test_the_preview_in_a_raw_file_is_not_taken_for_the_photo(
    tmp_path: Path, rgb: Rgb, tag: int, value: int | bytes
) -> None:
    Image.fromarray(rgb).save(tmp_path / "a.tiff", tiffinfo={tag: value})
    assert "a camera's raw file" in reason(tmp_path / "a.tiff")


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, rgb: Rgb, mode: str) -> None:
    grey = Image.fromarray(rgb).convert("L")
    grey.convert(mode).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, np.repeat(np.asarray(grey.convert(mode).convert("L"))[..., None], 3, axis=2))
    assert any("grey" in note for note in photo.notes)


def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, rgb: Rgb) -> None:
    grey = rgb[..., 0].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / "a.png"), grey)
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb[..., 1], rgb[..., 0])
    assert any("16 bits" in note for note in photo.notes)


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_16_bit_colour_is_reduced_and_said(tmp_path: Path, rgb: Rgb, name: str) -> None:
    cv2.imwrite(str(tmp_path / name), rgb[..., ::-1].astype(np.uint16) * 257)
    photo = read_photo(tmp_path / name)
    assert np.array_equal(photo.rgb, rgb)
    assert any("16 bits" in note for note in photo.notes)


def test_floating_point_is_refused(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb[..., 0].astype(np.float32)).save(tmp_path / "a.tiff")
    assert "floating-point" in reason(tmp_path / "a.tiff")


@pytest.mark.parametrize("palette", [False, True])
def test_transparency_goes_on_white(tmp_path: Path, rgb: Rgb, palette: bool) -> None:
    picture = Image.fromarray(np.full_like(rgb, 40)).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 200, 80))
    (picture.quantize(8) if palette else picture).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert (photo.rgb[:80] == 255).all()
    assert (photo.rgb[80:] == 40).all()
    assert any("white" in note for note in photo.notes)


def test_half_transparent_is_half_white(tmp_path: Path) -> None:
    Image.new("RGBA", (200, 160), (55, 0, 255, 128)).save(tmp_path / "a.png")
    assert np.abs(read_photo(tmp_path / "a.png").rgb.astype(int) - (155, 127, 255)).max() <= 1


def test_an_opaque_alpha_channel_changes_nothing(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb).convert("RGBA").save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, rgb)
    assert photo.notes == ()


def test_cmyk_is_converted_and_said(tmp_path: Path, rgb: Rgb) -> None:
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    photo = read_photo(tmp_path / "a.jpg")
    assert np.abs(photo.rgb.astype(int) - rgb).mean() < 4
    assert any("CMYK" in note for note in photo.notes)


def test_an_embedded_profile_is_honoured(tmp_path: Path, rgb: Rgb) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A space whose red primary is sRGB's blue and the other way round.
    swapped = srgb.replace(b"rXYZ", b"wait").replace(b"bXYZ", b"rXYZ").replace(b"wait", b"bXYZ")
    for name, profile in (("srgb", srgb), ("swapped", swapped), ("broken", b"no profile")):
        Image.fromarray(rgb).save(tmp_path / f"{name}.png", icc_profile=profile)
    assert np.abs(read_photo(tmp_path / "srgb.png").rgb.astype(int) - rgb).max() <= 1
    assert np.abs(read_photo(tmp_path / "swapped.png").rgb.astype(int) - rgb[..., ::-1]).max() <= 2
    assert np.array_equal(read_photo(tmp_path / "broken.png").rgb, rgb)
