"""Crop the portraits from the real photos of a shard."""

from pathlib import Path

import job
from job import snakemake
from unripple.demo import example_photo
from unripple.faces import FaceMeter
from unripple.images import Photo, read_photo, write_json, write_rgb
from unripple.provenance import relative
from unripple.shards import printable
from unripple.stages.align import align

files = snakemake.params.photos["files"]
examples = snakemake.params.photos["examples"]
meter = FaceMeter()
portraits = job.writer()

for name in portraits.remaining([*files, *examples]):
    with portraits.photo(name) as made:
        photo = read_photo(Path(files[name])) if name in files else Photo(example_photo(name))
        aligned = align(photo.rgb, meter)
        write_rgb(made.path(".png"), aligned.rgb)
        write_json(
            made.path(".json"),
            {
                "source": printable(relative(files[name])) if name in files else f"scikit-image: {name}",
                "transform": aligned.transform.tolist(),
                "notes": [*photo.notes, *aligned.notes],
            },
        )

portraits.write()
