"""``unripple edit``: one photo, its head turned, without a workflow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from unripple.files.project import of_project

Method = Literal["ripple_inpaint", "split_composite", "layered", "unripple"]
DEFAULT_METHOD: Final[Method] = "unripple"
MODELS: Final = Path("models/lite")

#: Degrees of a pose, to both sides, and how many one call takes.
FARTHEST, MOST = 5, 200
#: What a clip shows where no degrees are given, and in how many steps it goes from one end to the other.
CLIP: Final = "-3:3:0.5"
CLIP_STEPS: Final = 12

Models = Annotated[
    Path, typer.Option(help="Folder of the models, models/lite or models/published.", show_default="the project's lite")
]


def edit(
    photo: Annotated[Path, typer.Argument(help="A photo with a face.")],
    pose: Annotated[
        list[str] | None,
        typer.Option(
            help="Degree of the turn, -5 to 5, + to the person's right; may be repeated, or a range start:stop:step.",
            show_default="3",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the pictures; existing ones are replaced.")] = Path("out"),
    models: Models = MODELS,
    method: Annotated[Method, typer.Option(help="How the ripples are removed.")] = DEFAULT_METHOD,
    dilate: Annotated[int, typer.Option(min=0, max=128, help="Growth of the masks, in pixels at 512.")] = 8,
    feather: Annotated[int, typer.Option(min=0, max=64, help="Soft edge of the fill, in pixels at 512.")] = 4,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Matte value from which a pixel is person.")] = 0.5,
    refine: Annotated[
        int | None,
        typer.Option(min=0, help="Gradient steps on the encoder's code.", show_default="16; 0 with published models"),
    ] = None,
    device: Annotated[
        Literal["cpu", "cuda"] | None, typer.Option(help="Where to compute.", show_default="cuda where there is one")
    ] = None,
    face: Annotated[
        int | None,
        typer.Option(min=1, help="Which face, counted from the left; they are listed.", show_default="the largest"),
    ] = None,
    video: Annotated[bool, typer.Option("--video", help="Also a short clip of the head turning.")] = False,
) -> None:
    """Turn the head: writes the portrait and, for each degree, baseline, mask, cleaned edit, and that in the photo."""
    wanted = _degrees(pose or ["3"])
    between = _between(wanted if pose else _degrees([CLIP])) if video else []
    with _told_plainly(photo):
        _edit(
            photo, wanted, between, out, of_project(models), device, face or 0,
            {"method": method, "dilate": dilate, "feather": feather, "threshold": threshold, "refine": refine},
        )  # fmt: skip


def _edit(
    photo: Path,
    wanted: Sequence[float],
    between: Sequence[float],
    out: Path,
    models: Path,
    device: str | None,
    face: int,
    settings: dict[str, object],
) -> None:
    import torch  # With what follows it takes seconds, which `unripple --help` must not.

    from unripple.cli.progress import Steps
    from unripple.files.pictures import write_rgb
    from unripple.photos.names import printable
    from unripple.report.turning import contact_sheet, forth_and_back, write_clip
    from unripple.stages.editor import Editor, Settings, find_face

    if device == "cuda" and not torch.cuda.is_available():
        raise typer.BadParameter("this machine has no CUDA device that torch can use", param_hint="--device")
    further = [degree for degree in between if degree not in wanted]
    with Steps(3 + len(wanted) + len(further)) as steps, torch.no_grad():
        with steps.step("face"):
            upright, aligned = find_face(photo, face)
        for note in upright.notes:
            steps.say(f"{printable(str(photo))}: {note}")
        editor = Editor(upright, aligned, models, device, Settings(**settings))  # type: ignore[arg-type]
        with steps.step("person"):
            _ = editor.person
        with steps.step("inversion"):
            _ = editor.inversion
        write_rgb(out / "portrait.png", aligned.rgb)
        cleaned = {}
        for degree in (*wanted, *further):
            with steps.step(f"pose {degree:+g}"):
                pictures = editor.turned(degree)
                cleaned[degree] = pictures.cleaned
                if degree in wanted:
                    pictures.write(_folder(out, degree))
    named = editor.settings.method
    for degree in wanted:
        typer.echo(f"{_folder(out, degree)}: baseline.png, mask.png, cleaned.png ({named}), pasted.png")
    best = _folder(out, wanted[0]) / "pasted.png"
    if len(wanted) > 1:
        best = out / "sheet.png"
        write_rgb(best, contact_sheet(aligned.rgb, {degree: cleaned[degree] for degree in wanted}))
    if between:
        best = write_clip(out, forth_and_back({degree: cleaned[degree] for degree in between}))
    typer.echo(f"look at {best}")


def _folder(out: Path, degree: float) -> Path:
    return out / f"pose{degree:+.12g}"


def _degrees(given: Sequence[str]) -> list[float]:
    """Degrees as they are typed, ranges with both ends; each once. Refuses what is none."""
    found: list[float] = []
    for text in given:
        try:
            degrees = _range(*(Decimal(part) for part in text.split(":")))
        except (ArithmeticError, TypeError):
            degrees = []
        if not degrees or not all(-FARTHEST <= degree <= FARTHEST for degree in degrees):
            raise typer.BadParameter(
                f"{text}: expected a degree from -{FARTHEST} to {FARTHEST}, or a range start:stop:step of at most"
                f" {MOST} of them, such as -3:3:0.5",
                param_hint="--pose",
            )
        found += degrees
    return list(dict.fromkeys(found))


def _range(start: Decimal, stop: Decimal | None = None, step: Decimal = Decimal(1)) -> list[float]:
    """One degree, or those of a range; none where there is no such range, or it is too long."""
    if stop is None:
        return [float(start) + 0.0]  # 0 for -0
    if step <= 0 or not 0 <= (stop - start) / step < MOST:
        return []
    return [float(start + step * at) + 0.0 for at in range(int((stop - start) / step) + 1)]


def _between(wanted: Sequence[float]) -> list[float]:
    """The degrees of a clip: those wanted if they are several, else from none to the one that is, in small steps."""
    if len(wanted) > 2:
        return sorted(wanted)
    low, high = min(0.0, *wanted), max(0.0, *wanted)
    return [round(low + (high - low) * step / CLIP_STEPS, 4) for step in range(CLIP_STEPS + 1)] if high > low else [0.0]


@contextmanager
def _told_plainly(photo: Path) -> Iterator[None]:
    """What a user can mend becomes one line and exit code 1, not a traceback."""
    from unripple.photos.decoding import PhotoRefused
    from unripple.photos.names import printable
    from unripple.weights.lite import MissingModel
    from unripple.weights.published.manifest import WeightsError

    try:
        yield
    except PhotoRefused as refused:
        message = f"{printable(str(photo))}: {refused.reason}"
    except (MissingModel, WeightsError) as missing:
        message = str(missing)
    except FileNotFoundError as missing:
        message = f"{printable(str(missing.filename or missing))}: no such file"
    except OSError as error:
        message = f"{printable(str(error.filename or 'disk'))}: {error.strerror}"
    else:
        return
    typer.echo(message, err=True)
    raise typer.Exit(1)
