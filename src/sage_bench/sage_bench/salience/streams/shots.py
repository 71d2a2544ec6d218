"""Shots of real video, ten frames a second."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 224
MARGIN = 16
FRAME_RATE = 10
SHOT_CHANGE = 40.0
SHORTEST_SHOT = 15


def shots(path: Path) -> list[NDArray[np.uint8]]:
    """A video's frames at ten a second, cut where the picture changes altogether.

    Returns:
        Of each shot uint8 [N, H, W, 3], RGB, whose shorter side is 256.
    """
    frames = []
    with av.open(str(path)) as container:
        rate = float(container.streams.video[0].average_rate)
        due = 0.0
        for index, frame in enumerate(container.decode(video=0)):
            if index / rate >= due:
                due += 1.0 / FRAME_RATE
                frames.append(_to_height(frame.to_ndarray(format="rgb24")))
    small = np.stack([cv2.resize(f, (32, 32)).astype(np.float32) for f in frames])
    change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))
    edges = [0, *(np.flatnonzero(change > SHOT_CHANGE) + 1).tolist(), len(frames)]
    found = (frames[first:last] for first, last in itertools.pairwise(edges))
    return [np.stack(shot) for shot in found if len(shot) >= SHORTEST_SHOT]


def _to_height(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = (SIDE + 2 * MARGIN) / min(frame.shape[:2])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)
