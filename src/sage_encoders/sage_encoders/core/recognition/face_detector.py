"""Finding faces in a picture, so that they can be made unrecognisable.

Y. Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019: the
network says of each cell how probably it is in the middle of a face, and how large that face is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_encoders.core.model import Model
from sage_encoders.core.recognition.detector import overlaps
from sage_encoders.core.signature import Signature, Tensor
from sage_encoders.core.vision import Pixels, Resize

MODEL = "face_detector"
INPUT = "input.1"
MIDDLES, SIZES, OFFSETS = "537", "538", "539"
SIGNATURE = Signature(
    inputs={INPUT: Tensor("float32", ("N", 3, "H", "W"))},
    outputs={
        MIDDLES: Tensor("float32", ("N", 1, "h", "w")),
        SIZES: Tensor("float32", ("N", 2, "h", "w")),
        OFFSETS: Tensor("float32", ("N", 2, "h", "w")),
    },
)
STRIDE_PX, CELL_PX = 32, 4
"""Sides of what the network takes are multiples of the one; its cells are as large as the other."""
LEAST_SCORE, OVERLAP = 0.2, 0.3
"""As published with the weights."""


class FaceDetector:
    """Finds faces in one RGB picture at a time.

    Args:
        model: with SIGNATURE.
        resize: scales a picture.
    """

    def __init__(self, model: Model, resize: Resize) -> None:
        self._model, self._resize = model, resize

    def find(self, image: Pixels) -> NDArray[np.float64]:
        """Faces in a picture, uint8 RGB [H, W, 3]: their edges, float64 [n, 4], the surest first.

        Edges are left, upper, right and lower one, in pixels of the picture, within it.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise InvalidInput("image", f"{image.dtype} {image.shape}", "uint8 [H, W, 3], RGB")
        height, width = image.shape[:2]
        across, down = (-(-side // STRIDE_PX) * STRIDE_PX for side in (width, height))
        scaled = self._resize(image, across, down).transpose(2, 0, 1)[None]
        outputs = self._model.run(**{INPUT: np.ascontiguousarray(scaled, np.float32)})
        scores = outputs[MIDDLES][0, 0]
        rows, columns = np.nonzero(scores > LEAST_SCORE)
        sizes = np.exp(outputs[SIZES][0, :, rows, columns].astype(np.float64)) * CELL_PX
        offsets = outputs[OFFSETS][0, :, rows, columns]
        middles = (np.stack([rows, columns], axis=1) + offsets + 0.5) * CELL_PX
        low, high = (middles - sizes / 2.0)[:, ::-1], (middles + sizes / 2.0)[:, ::-1]
        edges = np.concatenate([low, high], axis=1) * np.array([width / across, height / down] * 2)
        edges = np.clip(edges, 0.0, np.array([width, height] * 2))
        return _apart(edges, scores[rows, columns])


def _apart(edges: NDArray[np.float64], scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The surest first, without those that overlap a surer one."""
    kept: list[NDArray[np.float64]] = []
    for place in np.argsort(-scores, kind="stable").tolist():
        if not kept or overlaps(edges[place], np.stack(kept)).max() < OVERLAP:
            kept.append(edges[place])
    return np.stack(kept) if kept else np.zeros((0, 4))
