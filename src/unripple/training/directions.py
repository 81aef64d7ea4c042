"""Fit the edit directions ``pose`` and ``smile`` as InterfaceGAN does (Shen et al., CVPR 2020, section 3.1).

``python -m unripple.training.directions --faces FOLDER --out models/lite/directions.safetensors``

The faces are rendered from sampled codes (unturned chunks of ``unripple.training.rendered_faces``); an attribute is
measured on each; a linear support vector machine separates its highest from its lowest quarter in W; the direction is
the unit normal of that plane, + towards more: the person turns to their right, the person smiles.

Nothing here can tell a face's age. That direction is the one which e4e's authors publish (MIT licence) for StyleGAN2's
W, which is this generator's, too; it is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from sklearn.model_selection import cross_val_score
from sklearn.svm import LinearSVC
from tqdm import tqdm

from unripple.detectors.dlib_faces import FaceMeter, head_pose, smile
from unripple.files.tensors import write_tensors
from unripple.jobs import allocator
from unripple.training.rendered_faces import load
from unripple.weights.lite import load_direction

#: Share of the faces at either end that are told apart, and the inverse strength of the regularisation. The two ends
#: are separated almost perfectly by many planes, so accuracy cannot choose; a wide margin it is.
END, STRENGTH = 0.25, 1e-3

Array = npt.NDArray[np.float64]


def fit_direction(w: Array, value: Array) -> tuple[Array, float]:
    """The unit normal ``(512,)`` along which ``value (N,)`` grows in ``w (N, 512)``, and its accuracy in [0, 1].

    The accuracy is of held-out folds, on the two ends. Raises ``ValueError`` if ``value`` does not vary.
    """
    low, high = np.quantile(value, [END, 1 - END])
    if not low < high:
        raise ValueError(f"a direction needs an attribute that varies; found {low} at one quarter and {high} at three")
    ends = (value <= low) | (value >= high)
    machine = LinearSVC(C=STRENGTH, max_iter=20_000)
    accuracy = cross_val_score(machine, w[ends], value[ends] >= high, cv=5).mean()
    normal = machine.fit(w[ends], value[ends] >= high).coef_[0]
    return normal / np.linalg.norm(normal), float(accuracy)


def measure(folder: Path, limit: int | None) -> tuple[Array, dict[str, Array]]:
    """Codes ``w (N, 512)`` and measured ``pose`` (yaw, degrees) and ``smile`` of all faces that dlib finds."""
    meter = FaceMeter()
    codes, found = [], []
    for chunk in tqdm(load(folder, limit=limit), desc="measure", mininterval=5):
        for rgb, w, degree in zip(chunk["rgb"], chunk["w"], chunk["degree"], strict=True):
            boxes = meter.detect(rgb) if degree == 0 else []
            if boxes:
                landmarks = meter.landmarks(rgb, boxes[0])
                codes.append(w)
                found.append((head_pose(landmarks, rgb.shape).yaw, smile(landmarks)))
    yaws, smiles = np.array(found).T
    return np.array(codes, dtype=np.float64), {"pose": yaws, "smile": smiles}


def main(
    faces: Annotated[Path, typer.Option(help="Folder of rendered faces.")],
    out: Annotated[Path, typer.Option()] = Path("models/lite/directions.safetensors"),
    limit: Annotated[int | None, typer.Option(help="Use only this many chunks.")] = None,
    published: Annotated[Path | None, typer.Option(help="Folder of InterfaceGAN's .pt files, to compare with.")] = None,
    models: Annotated[Path, typer.Option(help="Folder whose direction of age is kept.")] = Path("models/lite"),
) -> None:
    """Fit both directions; print accuracy and, where the published vectors are at hand, the cosine with them."""
    w, values = measure(faces, limit)
    directions, metadata = {}, {"faces": str(len(w))}
    for name, value in values.items():
        normal, accuracy = fit_direction(w, value)
        directions[name] = torch.tensor(normal, dtype=torch.float32)
        metadata[f"{name}_accuracy"] = f"{accuracy:.3f}"
        report = f"{name}: {len(w)} faces, held-out accuracy {accuracy:.3f}"
        if published is not None:
            reference = torch.load(published / f"{name}.pt", map_location="cpu", weights_only=True)[0].flatten()[:512]
            cosine = torch.cosine_similarity(reference.float(), directions[name], dim=0)
            metadata[f"{name}_cosine"] = f"{cosine:.3f}"
            report += f", cosine with the published direction {cosine:.3f}"
        print(report)
    directions["age"] = load_direction(models, "age")
    write_tensors(out, directions, metadata)


if __name__ == "__main__":
    allocator.restart()
    typer.run(main)
