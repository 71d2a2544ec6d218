"""Where tests find the trained models and the recorded data."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_encoders.backends.onnx_model import OnnxModel

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def models() -> Path:
    """The models of the repository."""
    return REPOSITORY / "models"


@pytest.fixture(scope="session")
def data() -> Path:
    """The recorded data; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("SAGE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no recorded data at {folder}: set SAGE_DATA")
    return folder


@pytest.fixture(scope="session")
def vision_model(models: Path) -> OnnxModel:
    return OnnxModel(models / "vision_encoder.onnx")


@pytest.fixture(scope="session")
def audio_model(models: Path) -> OnnxModel:
    return OnnxModel(models / "audio_encoder.onnx")


def scene(seed: int, height: int = 224, width: int = 224) -> NDArray[np.uint8]:
    """A generated picture: a colour gradient with a dozen coloured rectangles."""
    rng = np.random.default_rng(seed)
    across, down = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    corners = rng.uniform(0, 255, (3, 3))
    image = corners[0] + across[None, :, None] * corners[1] / 3 + down[..., None] * corners[2] / 3
    for _ in range(12):
        top, left = rng.integers(0, height - 8), rng.integers(0, width - 8)
        bottom, right = top + rng.integers(8, height // 2), left + rng.integers(8, width // 2)
        image[top:bottom, left:right] = rng.uniform(0, 255, 3)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def scenes() -> NDArray[np.uint8]:
    """Eight generated pictures, [8, 224, 224, 3]."""
    return np.stack([scene(seed) for seed in range(8)])
