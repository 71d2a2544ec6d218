"""Makes faces in pictures unrecognisable; the network is imported and loaded on first use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition.face_detector import MODEL, SIGNATURE, FaceDetector

WIDENED = 1.3
"""Boxes are made larger by it, as by the package with the weights: hair and chin are in them."""


class FaceBlur:
    """The network that finds faces, shared with whoever in this process uses it.

    Raises:
        ModelError: it is not installed.
    """

    def __init__(self) -> None:
        self._lease = REGISTRY.open(MODEL, models_folder(), "auto", signature=SIGNATURE)
        self._detector = FaceDetector(self._lease.model, resize)

    def blurred(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture, uint8 RGB [H, W, 3], in which each face that is found is one colour.

        That colour is its mean: three numbers are left of a face, and nothing brings it back.
        What blurs or coarsens leaves more, of which networks guess faces.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        found = self._detector.find(image)
        blurred = image.copy()
        for left, top, right, bottom in widened(found, *image.shape[:2]).tolist():
            face = image[top:bottom, left:right]
            blurred[top:bottom, left:right] = np.rint(face.mean(axis=(0, 1))).astype(np.uint8)
        return blurred

    def close(self) -> None:
        """Give the network back."""
        self._lease.close()


def widened(edges: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """What is coloured: boxes as `FaceDetector` finds them, larger, int64 [n, 4] in the picture."""
    middles, sides = (edges[:, :2] + edges[:, 2:]) / 2.0, edges[:, 2:] - edges[:, :2]
    low = np.floor(middles - sides * (WIDENED / 2.0))
    high = np.ceil(middles + sides * (WIDENED / 2.0))
    whole = np.concatenate([low, high], axis=1)
    return np.clip(whole, 0, [width, height, width, height]).astype(np.int64)
