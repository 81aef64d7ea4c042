"""The overview sheet: a row for each face, the baseline and the cleaned edits at both ends of the range."""

from __future__ import annotations

from collections.abc import Sequence

from unripple.files.pictures import Rgb
from unripple.report.pictures import FacePictures, label, signed
from unripple.report.sheet import Sheet

COLUMNS = ("hfgi", "ripple_inpaint", "split_composite", "unripple", "truth")
GAP = 4
#: Side of each picture, and how many faces a sheet takes before it cannot be looked at any more.
SIDE, MOST = 144, 40


def ends(faces: Sequence[FacePictures]) -> list[float]:
    """The lowest and the highest degree that any face has (one, where they are the same)."""
    degrees = {edit.degree for face in faces for edit in face.edits}
    if not degrees:
        raise ValueError("overview: expected faces with edits, found none")
    return sorted({min(degrees), max(degrees)})


def draw_overview(
    faces: Sequence[FacePictures], *, attribute: str = "pose", columns: Sequence[str] = COLUMNS, side: int = SIDE
) -> Rgb:
    """Draw the sheet of the faces, ``uint8 (H, W, 3)``; ``side``: of each picture, in pixels.

    A face that lacks a picture (no truth, for a real photo) leaves its place empty. Raises ``ValueError`` where no
    face has an edit.
    """
    degrees = ends(faces)
    margin, step, line, type_size = 3 * GAP, side + GAP, max(side // 6, 16), max(side // 12, 9)
    group = len(columns) * step + 2 * GAP  # the columns of one degree, set a little apart
    top = margin + 2 * line
    sheet = Sheet(margin + step + len(degrees) * group - GAP + margin, top + len(faces) * (step + line) + margin)
    sheet.heading(label("photo"), margin, margin + line + line // 2, side, type_size)
    for g, degree in enumerate(degrees):
        x = margin + step + 2 * GAP + g * group
        title = f"{attribute} {signed(degree)}"
        sheet.heading(title, x, margin + line // 2, len(columns) * step - GAP, type_size + 3, bold=True)
        for i, name in enumerate(columns):
            sheet.heading(label(name), x + i * step, margin + line + line // 2, side, type_size, bold=name == "hfgi")
    for r, face in enumerate(faces):
        y = top + r * (step + line)
        sheet.picture(face.photo, margin, y, side)
        sheet.text(face.name, margin, y + side + line // 2, type_size, faint=True)
        for edit in face.edits:
            if edit.degree in degrees:
                x = margin + step + 2 * GAP + degrees.index(edit.degree) * group
                pictures = edit.shown()
                for i, name in enumerate(columns):
                    if name in pictures:
                        sheet.picture(pictures[name], x + i * step, y, side)
    return sheet.rgb()
