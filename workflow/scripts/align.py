"""Crop the portraits from the real photos of a shard."""

import job
from job import snakemake
from unripple.detectors.blazeface import FaceSeeker
from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.data import write_json
from unripple.files.pictures import write_rgb
from unripple.jobs.index import PhotoFiles
from unripple.jobs.provenance import relative
from unripple.known_plate.portraits import example_photo
from unripple.photos.decoding import Photo
from unripple.photos.names import printable
from unripple.photos.readers import readers
from unripple.stages.align import Aligned, align, already_aligned

photos = snakemake.params.photos
files, archive = photos["files"], photos["archive"]
meter, seeker = FaceMeter(), FaceSeeker()
portraits = job.writer()
remaining = portraits.remaining([*files, *photos["examples"]])


def write(made: PhotoFiles, photo: Photo, aligned: Aligned, source: str) -> None:
    """The portrait, and where it comes from."""
    write_rgb(made.path(".png"), aligned.rgb)
    notes = [*photo.notes, *aligned.notes]
    told = {"source": source, "transform": aligned.transform.tolist(), "turns": aligned.turns, "notes": notes}
    write_json(made.path(".json"), told)


for name, read in readers({name: files[name] for name in remaining if name in files}, archive):
    with portraits.photo(name) as made:
        photo = read()
        aligned = already_aligned(photo.rgb) if photos["aligned"] else align(photo.rgb, meter, seeker=seeker)
        write(made, photo, aligned, printable(relative(files[name])))

for name in (name for name in remaining if name not in files):
    with portraits.photo(name) as made:
        photo = Photo(example_photo(name))
        write(made, photo, align(photo.rgb, meter, seeker=seeker), f"scikit-image: {name}")

job.end(portraits)
