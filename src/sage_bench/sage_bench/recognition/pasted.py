"""Photographs of known classes put into frames of recordings, and attended a little beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from sage_bench.recognition.pictures import photographs
from sage_bench.recognition.scenes import Thing
from sage_encoders.core.recognition.concepts import CLASSES, Concepts
from sage_encoders.core.recognition.picture_classifier import Pixels
from sage_orchestrator.core.plugin import Region

RECORDINGS = (Path("video", "gopro_max_walk.mp4"), Path("video", "kitchen_sound.mkv"))
EVERY, FIRST = 20, 10
"""Frames that are used."""
SIDES_PX = (56, 200)
LEAST_SIDE_PX = 32
BESIDE = 0.15
"""By how much of its side each edge of what is attended may be beside the photograph's."""


def things(data: Path, concepts: Concepts, each: int) -> Iterator[Thing]:
    """Every photograph of the test so many times, in another size, place and frame."""
    frames = list(_frames(data))
    rng = np.random.default_rng(0)
    for number, photo in photographs(data, concepts):
        for _ in range(each):
            yield _thing(frames[int(rng.integers(len(frames)))].copy(), photo, number, rng)


def _frames(data: Path) -> Iterator[Pixels]:
    for path in RECORDINGS:
        with av.open(str(data / path)) as recording:
            for place, frame in enumerate(recording.decode(video=0)):
                if place % EVERY == FIRST:
                    yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _thing(frame: Pixels, photo: Pixels, number: int, rng: np.random.Generator) -> Thing:
    height, width = frame.shape[:2]
    side = int(rng.integers(*SIDES_PX))
    left, top = int(rng.integers(width - side)), int(rng.integers(height - side))
    small = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    frame[top : top + side, left : left + side] = small
    moved = np.round(rng.uniform(-BESIDE, BESIDE, 4) * side).astype(int).tolist()
    x, y = max(left + moved[0], 0), max(top + moved[1], 0)
    wide, high = (max(side + more, LEAST_SIDE_PX) for more in moved[2:])
    region = Region(x, y, min(wide, width - x), min(high, height - y))
    return Thing(frame, region, np.arange(CLASSES) == number)
