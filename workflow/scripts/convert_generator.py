"""Convert the generator that a package ships to safetensors."""

from pathlib import Path

from job import snakemake
from unripple.weights.lite import convert_generator

convert_generator(Path(snakemake.output.generator).parent)
