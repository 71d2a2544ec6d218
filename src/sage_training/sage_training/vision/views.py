"""Random views of photographs to train on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.framing import SIDE_PX

Image = NDArray[np.uint8]
"""RGB uint8 [224, 224, 3], or any size where it says so."""

SMALLEST_AREA = 0.45


def view(images: list[Image], rng: np.random.Generator) -> Image:
    """A random crop of a random image, at least 224x224, scaled to [224, 224, 3].

    Perhaps mirrored and with changed exposure. Crops of half the area made the model fit unseen
    photographs better than shifts by a few pixels or changed white balance did.
    """
    image = images[rng.integers(len(images))]
    shortest = min(image.shape[:2])
    side = int(shortest * math.sqrt(rng.uniform(SMALLEST_AREA, 1.0)))
    top, left = (rng.integers(0, size - side + 1) for size in image.shape[:2])
    picture = resize(image[top : top + side, left : left + side], SIDE_PX, SIDE_PX)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if rng.random() < 0.3:
        gain, offset = rng.uniform(0.6, 1.2), rng.uniform(-30, 30)
        picture = np.clip(picture * gain + offset, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(picture)
