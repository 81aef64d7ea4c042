#!/usr/bin/env bash
# Installs the locked packages into the conda environment that Snakemake has just made.
set -euo pipefail
uv pip sync --system --require-hashes requirements/runtime.txt
# Data files alone are used of these: one wheel serves every Python and system.
uv pip install --system --require-hashes --no-deps --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
    --requirement requirements/no-deps.txt
