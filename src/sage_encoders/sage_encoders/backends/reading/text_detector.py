"""Finds the lines of text in a picture.

M. Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020: the
network says of each pixel how probably it is in the middle of a line; each connected part is
a line, whose rectangle is widened by what the network was taught to leave out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_encoders.core.model import Model
from sage_encoders.core.signature import Signature, Tensor

MODEL = "text_detector"
INPUT, OUTPUT = "x", "sigmoid_0.tmp_0"
SIGNATURE = Signature(
    inputs={INPUT: Tensor("float32", ("N", 3, "H", "W"))},
    outputs={OUTPUT: Tensor("float32", ("N", 1, "H", "W"))},
)
STRIDE_PX = 32
"""Sides of what the network takes are multiples of it."""
TEXT, LINE, WIDENING = 0.3, 0.5, 1.6
"""Least probability of a pixel, least mean of a line, and how much a line is widened, over its area
by its perimeter: as published with the weights."""
ENLARGED = 1.5
"""Pictures are made larger by it first, as far as they may be: letters of 8 pixels are then found.
Chosen on signs of development beside 1 and 2."""
LEAST_SIDE_PX = 3
MOST_LINES = 32
Pixels = NDArray[np.uint8]
Corners = NDArray[np.float32]


@dataclass(frozen=True)
class TextLine:
    """Where a line of text is.

    Attributes:
        corners: top left, top right, bottom right, bottom left as one reads it, in pixels of the
            picture, float32 [4, 2], each x, y.
        probability: mean over its pixels that they are text, [0, 1].
    """

    corners: Corners
    probability: float


class TextDetector:
    """Finds text in one RGB picture at a time.

    Args:
        model: with SIGNATURE.
        most_side_px: the longer side of what the network is given has at most as many, or 32.
    """

    def __init__(self, model: Model, most_side_px: int) -> None:
        self._model, self._most_side_px = model, most_side_px

    def find(self, image: Pixels) -> tuple[TextLine, ...]:
        """The lines of a picture, uint8 RGB [H, W, 3], the most probable ones first, 32 at most.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        check_picture(image)
        height, width = image.shape[:2]
        scale = min(ENLARGED, self._most_side_px / max(width, height))
        across, down = (_multiple(side * scale) for side in (width, height))
        method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
        scaled = cv2.resize(image, (across, down), interpolation=method)
        values = network_values(np.asarray(scaled, np.uint8))
        found = self._model.run(**{INPUT: values})[OUTPUT][0, 0]
        lines = _lines(np.asarray(found, np.float32))
        native = np.array([width / across, height / down], np.float32)
        edge = np.array([width - 1, height - 1], np.float32)
        inside = [
            TextLine(np.clip(line.corners * native, np.float32(0), edge), line.probability)
            for line in lines
        ]
        inside.sort(key=lambda line: -line.probability)
        return tuple(inside[:MOST_LINES])


def check_picture(image: Pixels) -> None:
    """Raises InvalidInput unless it is uint8 [H, W, 3] and not empty."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InvalidInput("image", f"{image.dtype} {image.shape}", "uint8 [H, W, 3], RGB")


def network_values(image: Pixels) -> NDArray[np.float32]:
    """RGB uint8 [H, W, 3] as both networks take it: BGR in [-1, 1], float32 [1, 3, H, W]."""
    values = image[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
    return np.ascontiguousarray(values / np.float32(127.5) - np.float32(1.0))


def _multiple(side: float) -> int:
    return max(STRIDE_PX, round(side / STRIDE_PX) * STRIDE_PX)


def _lines(probabilities: NDArray[np.float32]) -> list[TextLine]:
    text = (probabilities > TEXT).astype(np.uint8)
    text = np.asarray(cv2.dilate(text, np.ones((2, 2), np.uint8)), np.uint8)
    contours, _ = cv2.findContours(text, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < LEAST_SIDE_PX:
            continue
        sure = _mean_inside(probabilities, cv2.boxPoints(((x, y), (width, height), angle)))
        if sure < LINE:
            continue
        wider = WIDENING * width * height / (width + height)  # on both sides together
        corners = cv2.boxPoints(((x, y), (width + wider, height + wider), angle))
        found.append(TextLine(_in_order(np.asarray(corners, np.float32)), sure))
    return found


def _mean_inside(probabilities: NDArray[np.float32], corners: Corners) -> float:
    height, width = probabilities.shape
    limits = np.array([width - 1, height - 1])
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, limits)
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, limits)
    mask = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - low).astype(np.int32)], 1)
    part = probabilities[low[1] : high[1] + 1, low[0] : high[0] + 1]
    return float(part[mask > 0].mean()) if mask.any() else 0.0


def _in_order(corners: Corners) -> Corners:
    """From the top left one on, clockwise, of a rectangle that leans less than 45 degrees."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_x[:2][np.argsort(by_x[:2, 1], kind="stable")]
    right = by_x[2:][np.argsort(by_x[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]])
