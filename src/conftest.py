"""Where the tests of all packages find the trained models, recorded data and pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]


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
def scenes() -> NDArray[np.uint8]:
    """Eight generated pictures, [8, 224, 224, 3]."""
    from encoder_inputs import scene

    return np.stack([scene(seed) for seed in range(8)])
