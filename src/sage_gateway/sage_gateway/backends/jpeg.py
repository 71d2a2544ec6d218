"""Pictures for a page: small, and quickly made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_PX = 640
QUALITY = 75


@dataclass(frozen=True)
class Jpeg:
    """A picture as a file, and its size [px]."""

    data: bytes
    width: int
    height: int


def as_jpeg(rgb: NDArray[np.uint8]) -> Jpeg:
    """A picture, uint8 RGB [h, w, 3], its longer side at most 640 px."""
    import cv2

    height, width = rgb.shape[:2]
    scale = LONGEST_PX / max(height, width)
    if scale < 1.0:
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    assert done, rgb.shape
    return Jpeg(data.tobytes(), width, height)
