"""The features of many pictures with their names, as they go from the measuring jobs to the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unripple.metrics.columns import KEYS
from unripple.metrics.st_lpips import FEATURES, Vector


@dataclass
class Features:
    """``labels``: ``columns.KEYS`` of each picture; ``vectors``: its feature, see `st_lpips.pooled`."""

    labels: list[dict[str, Any]] = field(default_factory=list)
    vectors: list[Vector] = field(default_factory=list)

    def add(self, edit: Mapping[str, Any], of_method: Mapping[str, Vector]) -> None:
        """Add the pictures of one edit: photo, attribute and degree; method -> feature."""
        for method, vector in of_method.items():
            self.labels.append({**edit, "method": method})
            self.vectors.append(vector)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """As arrays to write: one for each of ``KEYS``, and ``feature (N, FEATURES)``."""
        labels = {key: np.array([label[key] for label in self.labels]) for key in KEYS}
        return {**labels, "feature": np.array(self.vectors, np.float32).reshape(-1, FEATURES)}


def read_features(files: Iterable[Path]) -> tuple[pd.DataFrame, npt.NDArray[np.float32]]:
    """Labels with ``columns.KEYS`` and features ``(N, FEATURES)`` of all files; files without pictures are nothing."""
    tables, vectors = [pd.DataFrame(columns=list(KEYS))], [np.empty((0, FEATURES), np.float32)]
    for file in files:
        with np.load(file) as arrays:
            if len(arrays["feature"]):
                tables.append(pd.DataFrame({key: arrays[key] for key in KEYS}))
                vectors.append(arrays["feature"])
    return pd.concat(tables[1:] or tables, ignore_index=True), np.concatenate(vectors)
