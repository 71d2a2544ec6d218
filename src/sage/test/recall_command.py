"""`sage recall` as somebody calls it, and examples for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sage.cli import main


def scene(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC), np.uint8)


def tone(hertz: float, rate_hz: int = 16000) -> np.ndarray:
    times = np.arange(rate_hz) / rate_hz
    return (0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["recall", *map(str, words)])
    written = capsys.readouterr()
    return status, written.out, written.err
