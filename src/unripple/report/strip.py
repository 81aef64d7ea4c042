"""The strip of one face: photo and inversion, then a row for each degree with every method beside the truth."""

from __future__ import annotations

from collections.abc import Sequence

from unripple.files.pictures import Rgb
from unripple.report.pictures import FacePictures, label, signed
from unripple.report.sheet import Sheet

#: Columns of a strip, where the face has them.
COLUMNS = ("e4e", "hfgi", "mask", "ripple_inpaint", "split_composite", "unripple", "truth")
GAP = 6


def draw_strip(
    face: FacePictures, *, attribute: str = "pose", columns: Sequence[str] = COLUMNS, side: int = 192
) -> Rgb:
    """Draw one face's strip, ``uint8 (H, W, 3)``.

    ``columns``: names of methods, ``mask`` and ``truth``; a column that no degree has is left out.
    ``side``: of each picture, in pixels. Raises ``ValueError`` for a face without edits.
    """
    if not face.edits:
        raise ValueError(f"{face.name}: expected at least one edit to draw, found none")
    rows = [(edit.degree, edit.shown()) for edit in face.edits]
    names = [name for name in columns if any(name in pictures for _, pictures in rows)]
    type_size, line = max(side // 13, 9), max(side // 7, 16)
    margin, step = 2 * GAP, side + GAP
    left = margin + step + 3 * line  # room for the degree beside its row
    top = margin + 2 * line
    # The left column holds two captioned pictures, whatever the number of degrees.
    height = top + max(len(rows) * step, 2 * step + line) - GAP + margin
    sheet = Sheet(left + len(names) * step - GAP + margin, height)
    sheet.text(face.name, margin, margin + line // 2, type_size + 3, bold=True)

    heading_y = margin + line + line // 2
    for i, name in enumerate(("photo", "inversion")):
        y = top + i * (step + line)
        sheet.heading(label(name), margin, y - line // 2, side, type_size)
        sheet.picture(face.photo if name == "photo" else face.inversion, margin, y, side)
    for i, name in enumerate(names):
        sheet.heading(label(name), left + i * step, heading_y, side, type_size, bold=name == "hfgi")
    for r, (degree, pictures) in enumerate(rows):
        y = top + r * step
        beside = margin + step
        sheet.heading(attribute, beside, y + side // 2 - line // 2, 3 * line - GAP, type_size)
        sheet.heading(signed(degree), beside, y + side // 2 + line // 2, 3 * line - GAP, type_size + 3, bold=True)
        for i, name in enumerate(names):
            if name in pictures:
                sheet.picture(pictures[name], left + i * step, y, side)
    return sheet.rgb()
