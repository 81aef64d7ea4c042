"""The features of many pictures with their names, as they go from the measuring jobs to the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unripple.metrics.arrays import Vector
from unripple.settings.columns import KEYS


@dataclass
class Features:
    """``extractor``: the network's name; ``labels``: ``columns.KEYS`` of each picture; ``vectors``: its feature."""

    extractor: str
    labels: list[dict[str, Any]] = field(default_factory=list)
    vectors: list[Vector] = field(default_factory=list)

    def add(self, edit: Mapping[str, Any], of_method: Mapping[str, Vector]) -> None:
        """Add the pictures of one edit: photo, attribute and degree; method -> feature."""
        for method, vector in of_method.items():
            self.labels.append({**edit, "method": method})
            self.vectors.append(vector)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """As arrays to write: one for each of ``KEYS``, ``feature (N, D)``, and ``extractor``."""
        labels = {key: np.array([label[key] for label in self.labels]) for key in KEYS}
        vectors = (
            np.array(self.vectors, np.float32).reshape(len(self.vectors), -1) if self.vectors else np.empty((0, 0))
        )
        return {**labels, "feature": vectors, "extractor": np.array(self.extractor)}


def read_features(files: Iterable[Path]) -> tuple[pd.DataFrame, npt.NDArray[np.float32], str]:
    """Labels with ``columns.KEYS``, features ``(N, D)`` and the extractor of all files; empty ones are nothing.

    Raises ``ValueError`` where the files are of two extractors.
    """
    tables, vectors, extractors = [], [], set()
    for file in files:
        with np.load(file) as arrays:
            extractors.add(str(arrays["extractor"]))
            if len(arrays["feature"]):
                tables.append(pd.DataFrame({key: arrays[key] for key in KEYS}))
                vectors.append(arrays["feature"])
    if len(extractors) != 1:
        raise ValueError(f"features: expected those of one extractor, found {', '.join(sorted(extractors)) or 'none'}")
    if not tables:
        return pd.DataFrame(columns=list(KEYS)), np.empty((0, 0), np.float32), extractors.pop()
    return pd.concat(tables, ignore_index=True), np.concatenate(vectors), extractors.pop()
