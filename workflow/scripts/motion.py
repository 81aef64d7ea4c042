"""Measure how the edits of a shard move the person."""

import numpy as np

import job
from unripple.detectors.face_mesh import FaceMesh
from unripple.files.data import write_arrays
from unripple.files.pictures import Rgb, read_rgb
from unripple.jobs.index import PhotoFiles
from unripple.stages.motion import Moved, motion

mesh = FaceMesh()
inversions, edits = job.index("inversions"), job.index("edits")


def load(photo: str) -> tuple[Rgb, Rgb]:
    return read_rgb(inversions.path(photo, ".e4e.png")), read_rgb(edits.path(photo, ".e4e.png"))


def make(before: Rgb, after: Rgb) -> tuple[Moved]:
    return (motion(before, after, mesh),)


def save(files: PhotoFiles, moved: Moved) -> None:
    arrays = {"backward": moved.backward.astype(np.float16), "sureness": moved.sureness.astype(np.float16)}
    write_arrays(files.path(".npz"), arrays)


job.each(job.shared(inversions, edits), load, make, save)
