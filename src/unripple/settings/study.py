"""What a study is made of: typed models of ``params.yaml``.

The models are the only description of the settings. The JSON schema in ``workflow/schema`` and the reference in
``docs/configuration.md`` are generated from them: ``python -m unripple.settings.reference``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from unripple.photos.celeba_hq import Split
from unripple.settings import attributes, inpainters, inverters, parsing
from unripple.settings.columns import COLUMNS, PHOTO, TRUTH
from unripple.settings.inpainters import WEIGHTLESS, Inpainter
from unripple.settings.inverters import Inverter
from unripple.settings.plates import MORE_PLATES, STUDY_PLATES

Method = Literal[
    "e4e",
    "hfgi",
    "ripple_inpaint",
    "split_composite",
    "layered",
    "unripple",
    "region_fusion",
    "style_fusion",
    "ada_pose",
    "motion_fusion",
    "bitwise_or",
]

#: Names of rows and pictures that are no method's.
RESERVED = (TRUTH, PHOTO, "mask", "inversion")

INPAINTERS = {"lite": ("lama-lite", *WEIGHTLESS), "published": ("big-lama", *WEIGHTLESS)}

#: Decimals of a number that a path spells, and how many degrees a study may have.
DECIMALS = 4
MOST_DEGREES = 100
#: Characters of a list of degrees in a path; a file's name has at most 255.
LONGEST_DEGREES = 120

#: What ``auto`` stands for, by set of models: section -> key -> value.
AUTO = "auto"
CHOSEN: dict[str, dict[str, dict[str, Any]]] = {
    models: {
        "invert": {"method": inverters.own(models)[0]},
        "inpaint": {"model": inpainter},
        "layered": {"grow": grow},
    }
    for models, inpainter, grow in (("lite", "patchmatch", 5), ("published", "big-lama", 6))
}


def _without_repeats(values: list[Any]) -> list[Any]:
    if len(set(values)) != len(values):
        raise PydanticCustomError("allowed", "a list without repeats")
    return values


def _with_baseline(methods: list[Method]) -> list[Method]:
    if "hfgi" not in methods:
        raise PydanticCustomError("allowed", "a list with hfgi in it, the baseline of every comparison")
    return methods


def _external_name(name: str) -> str:
    taken = (*get_args(Method), *RESERVED)
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name) or name in taken:
        raise PydanticCustomError(
            "allowed",
            "a name of small letters and digits, with single _ between them, and none of {names}",
            {"names": ", ".join(taken)},
        )
    return name


def _plates(names: list[str]) -> list[str]:
    known = STUDY_PLATES + MORE_PLATES
    if not names or not set(names) <= set(known):
        raise PydanticCustomError("allowed", "a list of some of {names}", {"names": ", ".join(known)})
    return names


def _scales(scales: list[float]) -> list[float]:
    if not set(scales) <= set(parsing.SCALES):
        known = ", ".join(f"{scale:g}" for scale in parsing.SCALES)
        raise PydanticCustomError("allowed", "a list of some of {known}", {"known": known})
    return scales


def _folder_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise PydanticCustomError("allowed", "small letters and digits, with single hyphens between them")
    return name


def _not_zero(degree: float) -> float:
    if degree == 0:
        raise PydanticCustomError("allowed", "a number other than 0, which is no edit")
    return degree


def _a_metric_with_a_direction(key: str) -> str:
    ranked = [column.key for column in COLUMNS if column.aim(known=True) or column.aim(known=False)]
    if key not in ranked:
        raise PydanticCustomError("allowed", "one of {names}", {"names": ", ".join(ranked)})
    return key


def _short_enough(number: float) -> float:
    if round(number, DECIMALS) != number:
        raise PydanticCustomError(
            "allowed", "a number of at most {decimals} decimals: it names a folder", {"decimals": DECIMALS}
        )
    return number


Degree = Annotated[float, Field(ge=-5, le=5), AfterValidator(_not_zero), AfterValidator(_short_enough)]


class Section(BaseModel):
    """One section of ``params.yaml``: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _or_auto(schema: dict[str, Any]) -> None:
    """The setting may be left to the set of models, and is by default."""
    allowed = {key: schema.pop(key) for key in list(schema) if key not in ("default", "description")}
    schema.update(anyOf=[{"const": AUTO}, allowed], default=AUTO)


class StudySet(Section):
    """The photos of the study."""

    name: Annotated[str, AfterValidator(_folder_name)] = Field(
        "default", description="Folder of the results; studies of other photos stand side by side."
    )
    known_plate: int = Field(12, ge=0, le=1000, description="Generated portraits over known plates; each has a truth.")
    seed: int = Field(2026, ge=0, le=2**31 - 1, description="Seed of the faces and plates of the known-plate set.")
    plates: Annotated[list[str], AfterValidator(_without_repeats), AfterValidator(_plates)] = Field(
        list(STUDY_PLATES), description="Photographs behind the generated portraits, taken in turn."
    )
    truncation: float = Field(0.7, gt=0, le=1, description="Truncation psi of the sampled faces; 1 is none.")
    photos: str = Field(
        "data/photos",
        min_length=1,
        description="Folder of photos to study with all below it, an archive of them (zip, tar), or one photo; ~ is the"
        " home folder. none: no photos. The default folder may be absent or empty, another one not.",
    )
    split: Split = Field(
        "all", description="Of CelebA-HQ, by its two official lists beside the photos; all: every photo there is."
    )
    aligned: bool = Field(
        False, description="Whether the photos are aligned already, as those of CelebA-HQ and FFHQ are."
    )
    examples: Annotated[list[Literal["astronaut"]], AfterValidator(_without_repeats)] = Field(
        ["astronaut"], description="Public-domain photographs of scikit-image to study as well."
    )
    shards: int = Field(1, ge=1, le=1000, description="Jobs into which the photos of each stage are split.")


class Images(Section):
    """The stored pictures."""

    size: Literal[256, 512, 1024] = Field(512, description="Side of the stored pictures in pixels.")


class Invert(Section):
    """The inversion."""

    method: Inverter = Field(
        "hybrid",
        description="e4e: the set's encoder. psp: pSp's encoder (published). hybrid: the encoder's code, corrected"
        " by its second look and by gradient steps within W, and beyond it where a face is not there (lite; HFGI"
        " inverts with e4e alone). i2s: Image2StyleGAN, optimised in W+ from the mean code. pti: the set's own"
        " inversion, then the generator tuned for the photo. auto: hybrid (lite), e4e (published).",
        json_schema_extra=_or_auto,
    )
    steps: int = Field(
        inverters.own("lite")[1],
        ge=0,
        le=100_000,
        description="Gradient steps of hybrid, i2s and pti; 0 for the encoders. auto: hybrid 8, i2s 100 and pti 10"
        " (lite), 5000 and 350 (published).",
        json_schema_extra=_or_auto,
    )

    def spelled(self) -> str:
        """As paths spell it: ``e4e``, ``hybrid-8``."""
        return inverters.spelled(self.method, self.steps)


class Edit(Section):
    """The edit in latent space."""

    attribute: Annotated[str, AfterValidator(attributes.checked)] = Field(
        "pose",
        min_length=1,
        description="What is edited: pose (+ turns the head to the person's right), smile, age, or the file of a"
        " direction, (512,) or (18, 512): .pt, .npy or .safetensors.",
    )
    degrees: Annotated[list[Degree], AfterValidator(_without_repeats)] = Field(
        [-3.0, -1.5, 1.5, 3.0],
        min_length=1,
        max_length=MOST_DEGREES,
        description="Steps along the unit direction, of at most 4 decimals; the study's useful range is -3 to 3.",
    )

    def spelled_attribute(self) -> str:
        """The attribute as paths spell it, see `settings.attributes.spelled`."""
        return attributes.spelled(self.attribute)

    def spelled_degrees(self) -> str:
        """The degrees as paths spell them: ``-3_3``, or where there are many their number and a checksum."""
        spelled = "_".join(f"{degree:g}" for degree in self.degrees)
        if len(spelled) <= LONGEST_DEGREES:
            return spelled
        return f"{len(self.degrees)}-{hashlib.sha256(spelled.encode()).hexdigest()[:12]}"


class Compute(Section):
    """The arithmetic of the networks."""

    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Of the generator's edits. bfloat16 is faster on devices that have instructions for it, and refused"
        " on others; within a grey level on average.",
    )
    deterministic: bool = Field(
        False,
        description="On a GPU: only algorithms that give the same bits each time, where PyTorch has one; slower. A CPU"
        " has no others. No path spells it, and a change makes no picture anew.",
    )


class Parse(Section):
    """The person's matte."""

    threshold: Annotated[float, AfterValidator(_short_enough)] = Field(
        0.5, gt=0, lt=1, description="Matte value from which a pixel belongs to the person; at most 4 decimals."
    )
    side: Literal["stored", 256, 512] = Field(
        "stored",
        description="Side at which the person is looked for in larger pictures; stored: in all as they are stored.",
    )
    scales: Annotated[list[float], AfterValidator(_without_repeats), AfterValidator(_scales)] = Field(
        list(parsing.SCALES),
        min_length=1,
        description="Scales at which Graphonomy looks, each also mirrored (models published); fewer cost less and see"
        " less. The lite set has no use for them.",
    )

    def spelled(self, models: str) -> str:
        """Side and, where the set of models has a use for them, scales as paths spell them, see `settings.parsing`."""
        return parsing.of_settings(self.side, self.scales if models == "published" else parsing.SCALES).spelled()


class Ripple(Section):
    """The ripple mask."""

    operation: Literal["and_not", "xor", "or", "learned"] = Field(
        "and_not",
        description="How the person masks of original and edit are joined; and_not is the uncovered band. learned: no"
        " masks are joined, a network marks where an after-image shows, inside the person too (lite); see"
        " docs/ripple-mask.md.",
    )
    original: Literal["photo", "inversion"] = Field(
        "photo",
        description="Picture whose person counts as the original; the original study took the inversion. Of no"
        " consequence for a learned mask.",
    )
    dilate: int = Field(8, ge=0, le=128, description="Pixels, at size 512, by which the mask grows.")


class Inpaint(Section):
    """The filling of the masked pixels."""

    model: Inpainter = Field(
        "lama-lite",
        description="Inpainter: lama-lite (models lite), big-lama (models published), telea or patchmatch (both; they"
        " need no weights). auto: patchmatch (lite), big-lama (published).",
        json_schema_extra=_or_auto,
    )
    ring: int = Field(
        24,
        ge=0,
        le=128,
        description="Pixels, at size 512, around the hole that patchmatch looks at but copies from only where nothing"
        " else is left: fringes of hair and shadows lie there. The others have no use for it.",
    )

    crop: int = Field(
        0,
        ge=0,
        le=16,
        description="How many times as high and wide as a hole is the part of the picture that lama-lite and big-lama"
        " see around it; 0: they see all of it, as published. The others have no use for it.",
    )

    def spelled(self) -> str:
        """The inpainter with its own settings, as paths spell it."""
        return inpainters.spelled(self.model, self.ring, self.crop)


class Layered(Section):
    """The layered edit: methods layered and unripple."""

    grow: int = Field(
        5,
        ge=0,
        le=128,
        description="Pixels, at size 512, by which the old person, fringe and all, grows before what the edited one"
        " uncovers of it is filled. auto: 5 (lite), 6 (published, whose mattes have no fringe).",
        json_schema_extra=_or_auto,
    )
    detail: int = Field(
        100,
        ge=0,
        le=100,
        description="Percent of the photo's own detail that unripple adds where it is sure of the motion; with 0 it is"
        " layered.",
    )


class Composite(Section):
    """The joining of edited person and background."""

    feather: int = Field(4, ge=0, le=64, description="Width in pixels, at size 512, of the soft edge of a paste.")


class Metrics(Section):
    """The measurements."""

    regions: Literal["agreed", "study", "blazepose"] = Field(
        "agreed",
        description="Whose mattes bound the regions in which pictures are judged: the study's own, those of BlazePose,"
        " which made nothing in the study, or only where both agree.",
    )
    consistency: bool = Field(
        False,
        description="Whether each edit is inverted again and edited back, as e4e's paper does; for each degree it costs"
        " twice what the inversions do.",
    )
    bootstrap: int = Field(2000, ge=100, le=100_000, description="Resamples of a 95 % bootstrap interval.")
    seed: int = Field(2026, ge=0, le=2**31 - 1, description="Seed of the resampling.")
    rank: Annotated[str, AfterValidator(_a_metric_with_a_direction)] = Field(
        "st-lpips-alex_band", description="Column of the table by which settings are ranked when they are compared."
    )


class Study(Section):
    """The whole of ``params.yaml``."""

    models: Literal["lite", "published"] = Field("lite", description="Set of models that every stage uses.")
    study: StudySet = StudySet()
    images: Images = Images()
    invert: Invert = Invert()
    edit: Edit = Edit()
    compute: Compute = Compute()
    parse: Parse = Parse()
    ripple: Ripple = Ripple()
    inpaint: Inpaint = Inpaint()
    layered: Layered = Layered()
    composite: Composite = Composite()
    methods: Annotated[list[Method], AfterValidator(_without_repeats), AfterValidator(_with_baseline)] = Field(
        ["e4e", "hfgi", "ripple_inpaint", "split_composite", "layered", "unripple", "bitwise_or"],
        description="Rows of the table; hfgi is the baseline and always among them. All but the fusions and ada_pose by"
        " default.",
    )
    external: dict[Annotated[str, AfterValidator(_external_name)], Annotated[str, Field(min_length=1)]] = Field(
        {},
        description="Further rows, made by other systems: name -> folder of their pictures, PHOTO/pose+3.png and so on;"
        " see docs/benchmark.md.",
    )
    metrics: Metrics = Metrics()

    @model_validator(mode="before")
    @classmethod
    def _chosen_by_the_set(cls, settings: Any) -> Any:
        """Put in place of ``auto``, and of what is not said, what the set of models wants."""
        if not isinstance(settings, Mapping):
            return settings
        chosen = CHOSEN.get(str(settings.get("models", "lite")), CHOSEN["lite"])
        filled = dict(settings)
        for section, values in chosen.items():
            given = filled.get(section, {})
            if isinstance(given, Mapping):
                filled[section] = values | {key: v for key, v in given.items() if v != AUTO or key not in values}
        invert = filled["invert"]
        if isinstance(invert, Mapping) and invert.get("steps", AUTO) == AUTO:
            steps = inverters.STEPS.get(str(filled.get("models", "lite")), {}).get(invert["method"], 0)
            filled["invert"] = {**invert, "steps": steps}
        return filled

    @model_validator(mode="after")
    def _inverter_of_the_set(self) -> Self:
        allowed = inverters.STEPS[self.models]
        if self.invert.method not in allowed:
            raise PydanticCustomError(
                "cross",
                "invert.method = {value}: expected one of {allowed} with models = {models}",
                {"value": self.invert.method, "allowed": ", ".join(allowed), "models": self.models},
            )
        if bool(self.invert.steps) != bool(allowed[self.invert.method]):
            raise PydanticCustomError(
                "cross",
                "invert.steps = {value}: expected {allowed} with invert.method = {method}",
                {
                    "value": self.invert.steps,
                    "allowed": "1 or more" if allowed[self.invert.method] else "0",
                    "method": self.invert.method,
                },
            )
        return self

    @model_validator(mode="after")
    def _inpainter_of_the_set(self) -> Self:
        allowed = INPAINTERS[self.models]
        if self.inpaint.model not in allowed:
            raise PydanticCustomError(
                "cross",
                "inpaint.model = {value}: expected one of {allowed} with models = {models}",
                {"value": self.inpaint.model, "allowed": ", ".join(allowed), "models": self.models},
            )
        return self

    @model_validator(mode="after")
    def _ripple_finder_of_the_set(self) -> Self:
        if self.models == "published" and self.ripple.operation == "learned":
            raise PydanticCustomError(
                "cross",
                "ripple.operation = learned: expected one of and_not, xor, or with models = published; the network that"
                " finds ripples knows those of the lite set alone",
            )
        return self
