"""The models that several tests run, and the lock-step host of nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.backends.onnx_model import OnnxModel

# Set before rclpy starts: a domain of our own, this host only.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "64")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)


@pytest.fixture(scope="session")
def vision_model(models: Path) -> OnnxModel:
    return OnnxModel(models / "vision_encoder.onnx")


@pytest.fixture(scope="session")
def audio_model(models: Path) -> OnnxModel:
    return OnnxModel(models / "audio_encoder.onnx")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LockstepHost]:
    made = LockstepHost(home=tmp_path)
    yield made
    made.close()
