"""Things that are met again: photographs beside crops of them, and a walk that is walked twice.

The classes of odd number chose nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from sage_bench.recognition.pictures import Pixels, thumbnails
from sage_bench.result import Row
from sage_encoders.core.recognition.concepts import Concepts
from sage_encoders.nodes.payload_embedders import pictures
from sage_memory.core.reidentification.individual import Sighting, linked

CROPS = (1.0, 0.9, 0.75)
"""Least sides of crops, as shares of the photograph's: a thing met three times."""
BRIGHTER, NOISE = 0.2, 8.0
VIDEOS = (Path("video", "gopro_max_walk.mp4"), Path("video", "kitchen_sound.mkv"))
EVERY = 15
"""Frames between two that are looked at, and half of it between a first time and a second."""


def rows(data: Path, concepts: Concepts, every: int) -> list[Row]:
    """How many links are right, and how many there are of those that there should be."""
    random = np.random.default_rng(0)
    with closing(pictures()) as embedder:
        found = [
            (number, embedder.embed(crop(image, least, random)))
            for number, image in thumbnails(data, concepts, every)
            for least in CROPS
        ]
        scenes = [[embedder.embed(frame) for frame in _frames(data / file)] for file in VIDEOS]
    classes = np.array([number for number, _ in found])
    vectors = np.stack([vector for _, vector in found])
    things = np.arange(len(found)) // len(CROPS)
    right = made = possible = 0
    for number in np.unique(classes):
        order = random.permutation(np.flatnonzero(classes == number))
        which = _which(vectors[order])
        same = things[order][:, None] == things[order][None]
        link = which[:, None] == which[None]
        pairs = np.triu_indices(len(order), 1)
        right += int((same & link)[pairs].sum())
        made += int(link[pairs].sum())
        possible += int(same[pairs].sum())
    count = len(found) // len(CROPS)
    return [
        Row("met again: links that are right", right / made, "", None, "higher", {}, count),
        Row("met again: links that are found", right / possible, "", None, "higher", {}, count),
        *_met_in_videos(scenes),
    ]


def _met_in_videos(scenes: list[list[NDArray[np.float32]]]) -> Iterator[Row]:
    """Both videos one after the other, and again half a step later, as if all had one class."""
    first = [vector for scene in scenes for vector in scene[::2]]
    again = [vector for scene in scenes for vector in scene[1::2]]
    ends = np.cumsum([len(scene[::2]) for scene in scenes])
    which = _which(np.stack(first + again))
    known = {*which[: len(first)].tolist()}
    met = [number in known for number in which[len(first) :].tolist()]
    walk, kitchen = {*which[: ends[0]].tolist()}, {*which[ends[0] : ends[1]].tolist()}
    yield Row(
        "met again: the walk and the kitchen, frames of a second time that are known",
        float(np.mean(met)), "", None, "higher",
        {"in both": float(len(walk & kitchen)), "kept apart": float(len(known))}, len(again),
    )  # fmt: skip


def _which(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    seen = [
        Sighting("thing", "thing", bytes(16), n, n, "vision", vector)
        for n, vector in enumerate(vectors)
    ]
    return np.array(linked(seen))


def crop(image: Pixels, least: float, random: np.random.Generator) -> Pixels:
    """Another view of a photograph: a part of it, at least so large a share of each side, brighter
    or darker, with noise; 1: itself.
    """
    if least == 1.0:
        return image
    height, width = image.shape[:2]
    share = random.uniform(least, 1.0)
    high, wide = round(height * share), round(width * share)
    top, left = random.integers(0, height - high + 1), random.integers(0, width - wide + 1)
    part = image[top : top + high, left : left + wide] * random.uniform(1 - BRIGHTER, 1 + BRIGHTER)
    noisy = part + random.normal(0.0, random.uniform(0.0, NOISE), part.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _frames(path: Path) -> Iterator[Pixels]:
    """Frames of a first time and of a second, by turns."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % EVERY in (0, EVERY // 2):
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
