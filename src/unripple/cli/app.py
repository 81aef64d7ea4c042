"""``unripple``: one photo in, cleaned edits out; what this installation has; what came out of a study.

Commands import what they need when they run: `unripple --help` loads no network library.
"""

from __future__ import annotations

import sys

import typer

from unripple.cli import results, weights
from unripple.cli.doctor import doctor
from unripple.cli.edit import edit
from unripple.cli.plan import plan
from unripple.cli.portraits import portraits
from unripple.cli.times import times
from unripple.cli.verify import verify
from unripple.jobs import allocator

#: Arguments of Snakemake's, which are passed on.
TAKES_SNAKEMAKES = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    name="unripple",
    help="Turn the head in a photo (HFGI) and remove the ripples that the edit leaves behind.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(weights.app, name="weights")
app.command()(edit)
app.command()(doctor)
app.command()(portraits)
app.command()(times)
app.command()(results.explain)
app.command()(results.diff)
app.command()(results.archive)
app.command(context_settings=TAKES_SNAKEMAKES)(verify)
app.command(context_settings=TAKES_SNAKEMAKES)(plan)


@app.callback()
def main() -> None:
    """Turn the head in a photo (HFGI) and remove the ripples that the edit leaves behind."""


def run() -> None:
    """The command ``unripple``; what runs networks starts in a process that keeps its memory."""
    if sys.argv[1:2] == ["edit"]:
        allocator.restart()
    app()


if __name__ == "__main__":
    run()
