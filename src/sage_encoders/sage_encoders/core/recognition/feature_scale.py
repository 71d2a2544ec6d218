"""The picture classifier's features on one scale, so that their cosine says how alike pictures are.

As they come they are all positive, and few of them vary much: any two pictures look alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError, model_sha256, read_card
from sage_encoders.core.recognition.picture_classifier import FEATURES

STEM = "picture_features"
Features = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureScale:
    """Mean and standard deviation of each feature over photographs of many things.

    Attributes:
        name: and version, as its card says.
        sha256: of its file, hex.
        mean, deviation: float32 [1280]; deviations are above 0.
    """

    name: str
    sha256: str
    mean: Features
    deviation: Features

    def model_id(self, classifier_id: str) -> str:
        """Name, version and hash of the features of a classifier on this scale."""
        both = hashlib.sha256((self.sha256 + classifier_id).encode()).hexdigest()
        return f"{self.name}@{both[:12]}"

    def scaled(self, features: Features) -> Features:
        """Features, float32 [1280], on this scale, of length 1."""
        values = (features - self.mean) / self.deviation
        return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), np.float32)


def read_feature_scale(folder: Path) -> FeatureScale:
    """Read it from the folder of the models.

    Raises:
        ModelError: it is not there, or not what its card says.
    """
    path = folder / f"{STEM}.npy"
    card = read_card(path.with_suffix(".json"))
    found = model_sha256(path)
    card.check_file(path, path.stat().st_size, found)
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a scale of features: {error}") from error
    if values.shape != (2, FEATURES) or values.dtype != np.float32 or not (values[1] > 0).all():
        raise ModelError(f"{path}: {values.dtype} {values.shape}: expected float32 (2, {FEATURES})")
    return FeatureScale(f"{card.name}-{card.version}", found, values[0], values[1])
