"""A thousand files that claim to be photos, from a seed: damaged, oversized, mislabelled, and with awkward names."""

from __future__ import annotations

import gzip
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pillow_heif
from PIL import Image

from unripple.known_plate.portraits import example_photo

pillow_heif.register_heif_opener()

#: Names that something might stumble over; each is the name of a file, without its ending.
AWKWARD_NAMES = (
    "two  spaces ",
    " leading space",
    "it's",
    'say "cheese"',
    "line\nbreak",
    "carriage\rreturn",
    "tab\tstop",
    "escape\x1b[31mred",
    "up\\..\\..",
    "....",
    "-rf",
    "--help",
    "~",
    "$HOME",
    "`id`",
    "a;b&&c|d",
    "a*b?[c]",
    "{shard}",
    "%s%n",
    "100%",
    "#comment",
    "a=b,c",
    "<script>alert(1)<",
    "Ünïcødé 顔 😀",
    "e\u0301 combining",
    "\u202etfel ot thgir",
    "\udcff\udcfe not utf-8",
    "end.",
    "-",
    "x" * 246,
    "ü" * 112,
)
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tiff", ".bmp", ".gif", ".PNG", ".svg", ".zip", ".heic", ".txt", "")


def mutated(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Pairs of a file name and its content. The first have `AWKWARD_NAMES`, and every other of these a face."""
    dice = random.Random(seed)
    whole, odd = pictures(), oddities()
    for number in range(count):
        if number < len(AWKWARD_NAMES):
            yield (
                AWKWARD_NAMES[number] + dice.choice([".png", ".jpg", ".JPEG"]),
                whole[number % 2] + bytes([number]),
            )  # no two alike
            continue
        rest = number - len(AWKWARD_NAMES)
        content = odd[rest] if rest < len(odd) else dice.choice(CHANGES)(dice.choice(whole), dice)
        yield f"{number:04d}{dice.choice(ENDINGS)}", content


def pictures() -> list[bytes]:
    """Small pictures of every format that is read; a face is in all of them, large enough in one."""
    astronaut = Image.fromarray(example_photo("astronaut"))
    small, face = astronaut.resize((160, 160)), astronaut.crop((100, 0, 400, 300))
    turned = Image.Exif()
    turned[0x0112], turned[0x010F] = 6, "a camera"
    grey = small.convert("I").point(lambda value: value * 257)
    return [
        _saved(face, "JPEG", quality=80),
        _saved(small, "JPEG", exif=turned),
        _saved(small, "JPEG", progressive=True),
        _saved(small.convert("CMYK"), "JPEG"),
        _saved(small, "MPO", save_all=True, append_images=[small]),
        _saved(small, "PNG", exif=turned),
        _saved(small.convert("RGBA"), "PNG"),
        _saved(small.convert("P"), "PNG", transparency=0),
        _saved(grey.convert("I;16"), "PNG"),
        _saved(small, "WEBP"),
        _saved(small, "HEIF", quality=80),
        _saved(small, "AVIF", quality=80),
        _saved(small, "WEBP", lossless=True),
        *(_saved(small, "TIFF", compression=how) for how in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg")),
        _saved(small, "BMP"),
        _saved(small.convert("P"), "BMP"),
        _saved(small, "GIF"),
    ]


def oddities() -> list[bytes]:
    """Bombs, endless files, and what is no photo at all."""
    flat = Image.new("L", (1500, 1500), 90)
    progressive = _saved(flat, "JPEG", progressive=True)
    scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    gif = _saved(flat.resize((200, 200)), "GIF")
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    zeros = zlib.compress(bytes(50_000_000), 9)
    return [
        _png(30_000, 30_000, b""),
        _png(0xFFFFFFFF, 0xFFFFFFFF, zeros),
        _png(9_000, 9_900, zlib.compress(b"")),
        _png(160, 160, zeros),
        _png(160, 160, zlib.compress(bytes(160 * 481)), (b"zTXt", b"a\0\0" + zeros)),
        _png(160, 160, zlib.compress(bytes(160 * 481)), (b"iCCP", b"a\0\0" + zeros)),
        _png(160, 160, zlib.compress(bytes(160 * 481)), (b"acTL", struct.pack(">II", 0xFFFFFFFF, 0))),
        _saved(Image.new("1", (300_000, 130)), "PNG"),
        _saved(Image.new("1", (130, 300_000)), "PNG"),
        _saved(Image.new("1", (4_000, 4_000)), "TIFF", compression="group4"),
        progressive[:-2] + 2_000 * scan + progressive[-2:],
        gif[:-1] + 100_000 * frame + b";",
        _tiff(20_000),
        _tiff(3, loop=True),
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd' width='9e9' height='9e9'/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 160 160\n(/etc/passwd) (r) file\n",
        b"P6 160 160 255\n" + bytes(160 * 160 * 3),
        b"%PDF-1.7\n",
        b"\x7fELF" + bytes(500),
        b"\0\0\0\x18ftypheic" + bytes(500),
        b"<html><script>alert(1)</script></html>",
        _zip(_zip(_zip(zeros, "../../up.png"), "b.zip"), "/tmp/a.zip"),
        gzip.compress(zeros),
        random.Random(0).randbytes(5_000),
    ]


def _flip_bits(content: bytes, dice: random.Random) -> bytes:
    changed = bytearray(content)
    reach = dice.choice([len(changed), len(changed), min(64, len(changed)), min(400, len(changed))])
    for _ in range(dice.choice([1, 1, 2, 4, 16, 64])):
        changed[dice.randrange(reach)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _truncate(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content))]


def _giant_size(content: bytes, dice: random.Random) -> bytes:
    """Some number near the start becomes large, as the sizes there are."""
    at, large = dice.randrange(min(len(content) - 4, 300)), dice.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff"])
    return content[:at] + large + content[at + len(large) :]


def _shuffle(content: bytes, dice: random.Random) -> bytes:
    first, second = sorted(dice.sample(range(len(content)), 2))
    return dice.choice(
        [
            content[:first] + content[second:],
            content[:first] + content[first:second] * 3 + content[second:],
            content[:first] + bytes(second - first) + content[second:],
            content[second:] + content[:second],
            content + content,
        ]
    )


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip_bits, _truncate, _giant_size, _shuffle)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _png(width: int, height: int, pixels: bytes, *more: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _tiff(pages: int, loop: bool = False) -> bytes:
    tags = {256: 200, 257: 200, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 200, 279: 40_000}
    entries = struct.pack("<H", len(tags))
    entries += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    size = len(entries) + 4
    following = [8 + number * size for number in range(1, pages)] + [8 if loop else 0]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(entries + struct.pack("<I", at) for at in following)


def _zip(content: bytes, name: str) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()
