"""``python -m unripple.parity``, see `proof`."""

import typer

from unripple.parity.proof import main

typer.run(main)
