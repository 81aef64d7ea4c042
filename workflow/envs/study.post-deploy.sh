#!/usr/bin/env bash
# Installs the locked packages into the conda environment that Snakemake has just made.
set -euo pipefail
uv pip sync --system --require-hashes requirements/runtime.txt requirements/no-deps.txt
