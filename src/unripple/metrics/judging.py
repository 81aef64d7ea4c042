"""What of a metric is compared: its value, or how far that is from the true edit's own value of the same picture."""

from __future__ import annotations

import pandas as pd

from unripple.metrics.psnr import squared_errors
from unripple.settings.columns import COLUMNS, TRUTH, Aim


def additive(values: pd.DataFrame) -> pd.DataFrame:
    """A copy whose columns may be averaged: decibels as mean squared errors."""
    columns = {column.key for column in COLUMNS if column.decibels} & set(values.columns)
    return values.assign(**{key: squared_errors(values[key].to_numpy(dtype=float)) for key in columns})


def truths(values: pd.DataFrame) -> pd.DataFrame:
    """The true edits' own values by photo, attribute and degree; empty where none is known.

    ``values``: a column for each metric, ``columns.KEYS`` as index.
    """
    return values[values.index.get_level_values("method") == TRUTH].droplevel("method")


def aims(truth: pd.DataFrame) -> dict[str, Aim]:
    """What a difference of each metric speaks of, given the truths of a set of pictures (see `truths`)."""
    return {column.key: column.aim(known=len(truth) > 0) for column in COLUMNS}


def judged(own: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The values that are compared: ``|own - truth's own|`` where that is the aim, else as they are.

    ``own``, ``truth``: by photo, attribute and degree; a picture whose truth is not known has no distance, NaN.
    """
    goals = truth.reindex(own.index)
    found = own.copy()
    for column in COLUMNS:
        if column.key in found and column.aim(known=len(truth) > 0) == "truth":
            goal = goals[column.key] if column.ideal is None else column.ideal
            found[column.key] = (own[column.key] - goal).abs()
    return found
