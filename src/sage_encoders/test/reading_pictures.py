"""Pictures with words in them, drawn."""

from __future__ import annotations

import cv2
import numpy as np


def written(
    *lines: str, width: int = 320, height: int = 200, scale: float = 1.0, step: int = 60
) -> np.ndarray:
    """Dark words on a light picture, a line below the other, uint8 RGB [height, width, 3]."""
    image = np.full((height, width, 3), 225, np.uint8)
    for number, line in enumerate(lines):
        place = 20, 60 + number * step
        cv2.putText(
            image, line, place, cv2.FONT_HERSHEY_DUPLEX, scale, (30, 30, 60), 2, cv2.LINE_AA
        )
    return image
