"""Scaling of pictures by OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def resize(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale uint8 [H, W, 3]: by pixel areas when it shrinks, bilinearly when it grows."""
    shrinks = width < image.shape[1] and height < image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
