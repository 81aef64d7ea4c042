"""Draw the faces of the known-plate set."""

from pathlib import Path

import job
import network_job
from job import snakemake
from unripple.detectors.dlib_faces import FaceMeter
from unripple.files.data import write_arrays
from unripple.known_plate.portraits import sample_codes, shows_one_face
from unripple.networks.mobile_stylegan import rows
from unripple.networks.w_space import mean_code
from unripple.photos.names import known_plate_names

settings = snakemake.params.settings
models = network_job.models()
mapping = models.mapping.cpu()  # The same codes whatever the device.

codes = sample_codes(
    mapping,
    mean_code(mapping),
    models.direction("pose").cpu(),
    shows_one_face(lambda w: models.generator(rows(w.to(models.device))), FaceMeter()),
    count=settings["known_plate"],
    seed=settings["seed"],
    truncation=settings["truncation"],
)
names = known_plate_names(settings["known_plate"])
write_arrays(Path(snakemake.output.codes), dict(zip(names, codes.numpy(), strict=True)))
job.write_record(models.device)
