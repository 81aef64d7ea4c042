"""Loaded by every Python whose path has this folder: a controller then asks Slurm every other second.

Snakemake's plugin waits ten seconds longer after each question that found no ended job, which suits jobs of many
minutes and a Slurm that others use, too. No setting changes that; jobs of these tests last seconds.
"""

import asyncio
import os
import sys

if sys.orig_argv[1:3] == ["-m", "snakemake"] and "SLURM_JOB_ID" not in os.environ:
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor  # type: ignore[import-untyped]

    async def _sleep(executor: RemoteExecutor) -> None:
        await asyncio.sleep(2)

    RemoteExecutor.sleep = _sleep
