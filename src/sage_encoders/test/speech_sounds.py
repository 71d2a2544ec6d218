"""Recorded speech and noise for tests."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

INSTALLED = Path(sys.prefix, "share", "sage_encoders", "models")
SAMPLE_RATE = 16000
AUDIO = Path(os.environ.get("SAGE_DATA", "../shared/data"), "audio")
SENTENCE = "printing in the only sense with which we are at present concerned"


def recorded(file: str, name: str = "") -> np.ndarray:
    """A recording of 16 kHz, float32 [n]; skips the test where the data folder is not."""
    path = AUDIO / file
    if not path.is_file():
        pytest.skip(f"no {path}: set SAGE_DATA to the folder of recordings")
    if not name:
        return soundfile.read(path, dtype="float32")[0]
    with zipfile.ZipFile(path) as archive:
        return soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")[0]


def sentence() -> np.ndarray:
    """A read sentence of 9.7 s that begins with SENTENCE."""
    return recorded("ljspeech32_16k_flac.zip", "LJ001-0001.flac")


def noise() -> np.ndarray:
    """A room, 38 s."""
    return recorded("noise_rir_16k_flac.zip", "noise/noise1.flac")
