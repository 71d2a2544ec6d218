"""Where tests find the trained models and the recorded data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_encoders.backends.onnx_model import OnnxModel

# Set before rclpy starts: a domain of our own, this host only.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "64")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)

REPOSITORY = Path(__file__).resolve().parents[3]
os.environ.setdefault("SAGE_MODELS", str(REPOSITORY / "models"))
sys.path.insert(0, str(Path(__file__).parent))


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


@pytest.fixture(scope="session")
def scenes() -> NDArray[np.uint8]:
    """Eight generated pictures, [8, 224, 224, 3]."""
    from encoder_inputs import scene

    return np.stack([scene(seed) for seed in range(8)])
