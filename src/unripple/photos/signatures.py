"""What a file is by its first bytes, whatever it is called, and what helps if it cannot be read as a photo."""

from __future__ import annotations

import re
from typing import Final

# Where an entry begins in the file, the bytes there, what it is, what to do.
_EXPORT: Final = "export the photo as JPEG or PNG"
_RAW: Final = "develop it and export it as JPEG or TIFF"
_FRAME: Final = "export the frame that you want as one picture"
_UNPACK: Final = "unpack it; study.photos also takes zip and tar archives"
_FETCH: Final = "download the picture itself"
_SIGNATURES: Final[tuple[tuple[int, bytes, str, str], ...]] = (
    (0, b"\xff\x0a", "JPEG XL", _EXPORT),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL", _EXPORT),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000", _EXPORT),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000", _EXPORT),
    (0, b"II\xbc", "JPEG XR", _EXPORT),
    (8, b"CR\x02", "a camera's raw file (CR2)", _RAW),
    (4, b"ftypcrx", "a camera's raw file (CR3)", _RAW),
    (6, b"HEAPCCDR", "a camera's raw file (CRW)", _RAW),
    (0, b"IIU\x00", "a camera's raw file (RW2)", _RAW),
    (0, b"IIRO", "a camera's raw file (ORF)", _RAW),
    (0, b"IIRS", "a camera's raw file (ORF)", _RAW),
    (0, b"MMOR", "a camera's raw file (ORF)", _RAW),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)", _RAW),
    (0, b"FOVb", "a camera's raw file (X3F)", _RAW),
    (0, b"\x00MRM", "a camera's raw file (MRW)", _RAW),
    (0, b"8BPS", "a Photoshop document (PSD)", _EXPORT),
    (0, b"gimp xcf", "a GIMP document (XCF)", _EXPORT),
    (0, b"SQLite format 3", "a database", _EXPORT),
    (0, b"\x76\x2f\x31\x01", "OpenEXR", _EXPORT),
    (0, b"#?RADIANCE", "a Radiance picture (HDR)", _EXPORT),
    (0, b"DDS ", "a texture (DDS)", _EXPORT),
    (0, b"\x00\x00\x01\x00", "an icon (ICO)", _EXPORT),
    (0, b"icns", "an icon (ICNS)", _EXPORT),
    (0, b"P6", "a portable pixmap (PPM)", _EXPORT),
    (0, b"qoif", "QOI", _EXPORT),
    (0, b"%PDF", "a PDF document", "export its picture as JPEG or PNG"),
    (0, b"%!PS", "PostScript (EPS)", _EXPORT),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript (EPS)", _EXPORT),
    (8, b"AVI ", "a video (AVI)", _FRAME),
    (8, b"WAVE", "a sound (WAV)", "take a photo instead"),
    (0, b"\x1a\x45\xdf\xa3", "a video (Matroska, WebM)", _FRAME),
    (0, b"FLV", "a video (FLV)", _FRAME),
    (0, b"OggS", "a video or sound (Ogg)", _FRAME),
    (0, b"\x00\x00\x01\xba", "a video (MPEG)", _FRAME),
    (0, b"\x00\x00\x01\xb3", "a video (MPEG)", _FRAME),
    (0, b"\x30\x26\xb2\x75", "a video (WMV)", _FRAME),
    (4, b"moov", "a video (QuickTime)", _FRAME),
    (4, b"mdat", "a video (QuickTime)", _FRAME),
    (4, b"wide", "a video (QuickTime)", _FRAME),
    (0, b"ID3", "a sound (MP3)", "take a photo instead"),
    (0, b"fLaC", "a sound (FLAC)", "take a photo instead"),
    (0, b"PK\x03\x04", "a ZIP archive, or a document in one", _UNPACK),
    (0, b"\x1f\x8b", "an archive (gzip)", _UNPACK),
    (0, b"BZh", "an archive (bzip2)", _UNPACK),
    (0, b"\xfd7zXZ", "an archive (xz)", _UNPACK),
    (0, b"7z\xbc\xaf", "an archive (7z)", _UNPACK),
    (0, b"Rar!", "an archive (RAR)", _UNPACK),
    (257, b"ustar", "an archive (tar)", _UNPACK),
    (0, b"\x00\x05\x16\x07", "a Mac's side file (AppleDouble), which holds no picture", "take the file it belongs to"),
    (0, b"bplist00", "a property list", "take the photo that it belongs to"),
    (0, b"L\x00\x00\x00\x01\x14\x02", "a Windows shortcut", "take the file that it points to"),
    (0, b"MZ", "a program", "take a photo instead"),
    (0, b"\x7fELF", "a program", "take a photo instead"),
    (0, b"version https://git-lfs", "a Git LFS pointer, which stands for the picture", "fetch it: git lfs pull"),
    # What can be read, if it is whole.
    (0, b"\xff\xd8\xff", "damaged JPEG", "copy or download it again"),
    (0, b"\x89PNG", "damaged PNG", "copy or download it again"),
    (8, b"WEBP", "damaged WebP", "copy or download it again"),
    (0, b"GIF8", "damaged GIF", "copy or download it again"),
    (0, b"II*\x00", "damaged TIFF, or a camera's raw file", f"copy it again; if it is raw, {_RAW}"),
    (0, b"MM\x00*", "damaged TIFF, or a camera's raw file", f"copy it again; if it is raw, {_RAW}"),
    (0, b"BM", "damaged BMP", "copy or download it again"),
)
# Of the container of HEIC, AVIF and videos, by its brand.
_BRANDS: Final = {b"avif": "damaged AVIF", b"avis": "an animation (AVIF)", b"mif1": "damaged HEIF"}
_TEXTS: Final = (
    (rb"<!doctype html|<html|<head|<body|<script", "an HTML page", f"a download that met a web page: {_FETCH}"),
    (rb"<svg|<\?xml[^>]*\?>.{0,800}<svg|<!--.{0,800}<svg", "a drawing (SVG)", _EXPORT),
    (rb"<\?xml|<", "XML", _FETCH),
    (rb"outs:\s*-\s*md5:", "a DVC pointer, which stands for the picture", "fetch it: dvc pull"),
    (rb"https?://\S+\s*$|\[internetshortcut\]", "a link to a page", _FETCH),
    (rb"data:image/", "a picture written as text (a data URL)", "save it as a file"),
    (rb"[{\[]", "JSON", _FETCH),
)


def is_heif(data: bytes) -> bool:
    """Whether a file says that it is HEIC or HEIF; AVIF is another format in the same container."""
    return data[4:8] == b"ftyp" and (data[8:12] in _HEIF or (data[8:12] in (b"mif1", b"msf1") and not _is_avif(data)))


_HEIF: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")


def _is_avif(data: bytes) -> bool:
    return b"avif" in data[16 : min(int.from_bytes(data[:4]), 256)]


def unreadable(data: bytes) -> str | None:
    """What a file that no decoder takes is, and what to do, in a few words; None where its bytes say nothing."""
    if not data:
        return "an empty file; copy or download it again"
    head = data[:2048]
    for at, signature, what, todo in _SIGNATURES:
        if head.startswith(signature, at):
            return f"{what}; {todo}"
    if head[4:8] == b"ftyp":
        if is_heif(head):
            return "damaged HEIC; copy or download it again"
        brand = head[8:12]
        return f"{_BRANDS[brand]}; copy or download it again" if brand in _BRANDS else f"a video (MP4, MOV); {_FRAME}"
    if not head.strip(b"\0"):
        return "only zeros, as a broken copy leaves them; copy or download it again"
    return _of_text(head)


def _of_text(head: bytes) -> str | None:
    """The same for text, in UTF-8 or UTF-16."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = head.decode(encoding, "ignore" if len(head) == 2048 else "strict").strip().lower()
    except UnicodeDecodeError:
        return None
    if any(not (one.isprintable() or one.isspace()) for one in text):
        return None
    for pattern, what, todo in _TEXTS:
        if re.match(pattern, text.encode(), re.DOTALL):
            return f"{what}; {todo}"
    return f"text; {_FETCH}"
