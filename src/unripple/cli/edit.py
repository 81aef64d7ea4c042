"""``unripple edit``: one photo, its head turned or its smile moved, without a workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from unripple.files.project import of_project
from unripple.settings.attributes import ENDINGS, checked, is_named

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
            show_default="3, or 0 beside another attribute",
        ),
    ] = None,
    smile: Annotated[float, typer.Option(min=-FARTHEST, max=FARTHEST, help="Degree of the smile.")] = 0,
    age: Annotated[float, typer.Option(min=-FARTHEST, max=FARTHEST, help="Degree of the age.")] = 0,
    along: Annotated[
        list[str] | None,
        typer.Option(help="FILE:DEGREE, a direction of your own (.pt, .npy, .safetensors); may be repeated."),
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
    """Edit a face: writes the portrait and, for each pose, baseline, mask, cleaned edit, and the photo with it.

    Attributes combine: --pose 1.5 --smile 2 --age -3.
    """
    beside = {name: degree for name, degree in {"smile": smile, "age": age, **_along(along or [])}.items() if degree}
    wanted = _degrees(pose or (["0"] if beside else ["3"]))
    between = _between(wanted if pose else _degrees([CLIP])) if video else []
    with _told_plainly(photo):
        _edit(
            photo, beside, wanted, between, out, of_project(models), device, face or 0,
            {"method": method, "dilate": dilate, "feather": feather, "threshold": threshold, "refine": refine},
        )  # fmt: skip


def _edit(
    photo: Path,
    beside: Mapping[str, float],
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
        cleaned, squares = {}, {}
        for degree in (*wanted, *further):
            with steps.step(f"pose {degree:+g}"):
                pictures = editor.edited({"pose": degree, **beside})
                cleaned[degree], squares[degree] = pictures.cleaned, pictures.square
                if degree in wanted:
                    pictures.write(_folder(out, degree, beside))
    named = editor.settings.method
    for degree in wanted:
        typer.echo(f"{_folder(out, degree, beside)}: baseline.png, mask.png, cleaned.png ({named}), pasted.png")
    best = _folder(out, wanted[0], beside) / "pasted.png"
    if len(wanted) > 1:
        best = out / "sheet.png"
        write_rgb(best, contact_sheet(aligned.rgb, {degree: cleaned[degree] for degree in wanted}))
    if between:
        best = write_clip(out, forth_and_back({degree: squares[degree] for degree in between}))
    typer.echo(f"look at {best}")


def _folder(out: Path, degree: float, beside: Mapping[str, float]) -> Path:
    """Named for what was edited: ``pose+3``, ``smile+2``, ``pose+1.5_smile+2``."""
    moved = {**({"pose": degree} if degree or not beside else {}), **{Path(key).stem: v for key, v in beside.items()}}
    return out / "_".join(f"{name}{degree:+.12g}" for name, degree in moved.items())


def _along(given: Sequence[str]) -> dict[str, float]:
    """Files of directions and their degrees, as they are typed."""
    found = {}
    for text in given:
        file, _, degree = text.rpartition(":")
        try:
            checked(file)
            found[file] = float(degree)
        except ValueError:
            found[file] = float("nan")
        if is_named(file) or not -FARTHEST <= found[file] <= FARTHEST:
            raise typer.BadParameter(
                f"{text}: expected FILE:DEGREE, a direction's file ({', '.join(ENDINGS)}) and a degree from"
                f" -{FARTHEST} to {FARTHEST}",
                param_hint="--along",
            )
    return found


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
