"""Random views of photographs to train on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.framing import SIDE_PX

Image = NDArray[np.uint8]
"""RGB uint8 [224, 224, 3], or any size where it says so."""

SHIFT_PX = 8
SMALLEST_AREA = 0.6


def view(images: list[Image], rng: np.random.Generator) -> Image:
    """A view of a random image of any size from 224x224 on: [224, 224, 3].

    Cropped, shifted, or four of them at half size, so that fine detail is seen too; perhaps
    mirrored, with changed exposure and white balance.
    """
    kind = rng.random()
    if kind < 0.15:
        picture = _mosaic([_square(_choose(images, rng), rng) for _ in range(4)])
    else:
        picture = _square(_choose(images, rng), rng)
        if kind < 0.45:
            picture = _crop(picture, rng)
        elif kind < 0.8:
            picture = _shift(picture, rng)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if rng.random() < 0.5:
        gain = rng.uniform(0.8, 1.15, 3) * rng.uniform(0.75, 1.15)
        picture = np.clip(picture * gain + rng.uniform(-20, 20), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(picture)


def _choose(images: list[Image], rng: np.random.Generator) -> Image:
    return images[rng.integers(len(images))]


def _square(image: Image, rng: np.random.Generator) -> Image:
    """A random largest square of the image, at 224x224."""
    side = min(image.shape[:2])
    top, left = (rng.integers(0, size - side + 1) for size in image.shape[:2])
    square = image[top : top + side, left : left + side]
    return square if side == SIDE_PX else resize(square, SIDE_PX, SIDE_PX)


def _crop(image: Image, rng: np.random.Generator) -> Image:
    side = int(SIDE_PX * math.sqrt(rng.uniform(SMALLEST_AREA, 1.0)))
    top, left = rng.integers(0, SIDE_PX - side + 1, 2)
    return resize(image[top : top + side, left : left + side], SIDE_PX, SIDE_PX)


def _shift(image: Image, rng: np.random.Generator) -> Image:
    """Moved by up to 8 px, since the cells' grid lies anywhere on a scene."""
    around = np.pad(image, ((SHIFT_PX, SHIFT_PX), (SHIFT_PX, SHIFT_PX), (0, 0)), mode="reflect")
    top, left = rng.integers(0, 2 * SHIFT_PX + 1, 2)
    return around[top : top + SIDE_PX, left : left + SIDE_PX]


def _mosaic(images: list[Image]) -> Image:
    half = SIDE_PX // 2
    a, b, c, d = (resize(image, half, half) for image in images)
    return np.concatenate((np.concatenate((a, b), 1), np.concatenate((c, d), 1)))
