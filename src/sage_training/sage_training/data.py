"""Reads the recorded photographs and sounds, and splits them by image and by fold."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

PHOTOGRAPHS = Path("images/photos800_224px.zip")
SCENES = Path("images/tiny_coco100.zip")
ESC10 = Path("audio/esc10_folds1to4_16k_flac.zip")
NOISE = Path("audio/noise_rir_16k_flac.zip")
SPEECH = Path("audio/ljspeech32_16k_flac.zip")
SAMPLE_RATE = 16000


def photographs(path: Path) -> tuple[list[str], NDArray[np.uint8]]:
    """Names and pixels, uint8 [N, 224, 224, 3], of a zip of 224x224 photographs, by name."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".jpg"))
        return names, np.stack([_decode(archive.read(name)) for name in names])


def scenes(path: Path) -> list[NDArray[np.uint8]]:
    """Pixels, RGB uint8 [H, W, 3] of different sizes, of a zip of photographs, by name."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".jpg"))
        return [_decode(archive.read(name)) for name in names]


def _decode(content: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(pixels[..., ::-1], np.uint8)


def held_out_photographs(count: int) -> NDArray[np.bool_]:
    """Which of the photographs, in order of name, are kept for testing: every tenth."""
    return np.arange(count) % 10 == 9


def sounds(path: Path, inside: str = "") -> list[tuple[str, NDArray[np.float32]]]:
    """Names and 16 kHz mono samples in [-1, 1] of the FLAC files of a zip, by name."""
    clips = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(inside) and name.endswith(".flac"):
                samples, rate = soundfile.read(
                    io.BytesIO(archive.read(name)), dtype="float32", always_2d=True
                )
                if rate != SAMPLE_RATE:
                    raise ValueError(f"{name}: {rate} Hz, expected {SAMPLE_RATE} Hz")
                clips.append((name, samples.mean(axis=1)))
    return clips


def fold(name: str) -> int:
    """Fold of an ESC-10 clip: the first digit of its file name."""
    return int(Path(name).name[0])
