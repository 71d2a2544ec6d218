"""Finding objects in a picture: boxes with names and calibrated probabilities."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import MOST_LABELS, Label, Labels
from sage_encoders.core.model import Model
from sage_encoders.core.recognition.concepts import OBJECTS
from sage_encoders.core.signature import Signature, Tensor
from sage_encoders.core.vision import Pixels, Resize

MODEL = "object_detector"
CLASSES, BINS = OBJECTS, 11
STRIDES_PX = (8, 16, 32)
AREA_PX = 416 * 416
"""Of what the network is given, whatever the shape of the picture: that which it was trained on."""
LONGEST_SIDE_PX = 1248
SIGNATURE = Signature(
    inputs={"image": Tensor("uint8", ("N", "H", "W", 3))},
    outputs={
        "scores": Tensor("float32", ("N", "cells", CLASSES)),
        "distances": Tensor("float32", ("N", "cells", 4)),
    },
)
OVERLAP = 0.6
"""Intersection over union from which on two boxes of a class are one object: as published with the
weights."""
LEAST_SCORE = 0.05
STEEPNESS, SHIFT = 1.2, 0.1
"""A score becomes a probability by a logistic of its log odds. Fitted on pictures of four and of
nine photographs of ImageNet's even classes, by the animals that are found in them: for these alone
the class says whether they are there."""
ANOTHER = 0.25
"""Probability from which on a class counts a second time in a picture: what is less probable is
often the same object again."""


class Detector:
    """Finds objects in one RGB picture at a time.

    Args:
        model: with SIGNATURE.
        resize: scales a picture.
    """

    def __init__(self, model: Model, resize: Resize) -> None:
        self._model, self._resize = model, resize

    @property
    def model_id(self) -> str:
        """Of the labels."""
        return self._model.encoder_id

    def find(self, image: Pixels) -> Labels:
        """Objects in a picture, uint8 RGB [H, W, 3], with boxes, by the numbers of COCO.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise InvalidInput("image", f"{image.dtype} {image.shape}", "uint8 [H, W, 3], RGB")
        height, width = image.shape[:2]
        scale = min(math.sqrt(AREA_PX / (width * height)), LONGEST_SIDE_PX / max(width, height))
        across, down = max(round(width * scale), 1), max(round(height * scale), 1)
        canvas = np.zeros((1, _multiple(down), _multiple(across), 3), np.uint8)
        canvas[0, :down, :across] = self._resize(image, across, down)
        outputs = self._model.run(image=canvas)
        scores, distances = outputs["scores"][0], outputs["distances"][0]
        cells, numbers = np.nonzero(scores >= LEAST_SCORE)
        middles, strides = _cells(canvas.shape[2], canvas.shape[1])
        reach = distances[cells] * strides[cells, None]
        corners = [middles[cells] - reach[:, :2], middles[cells] + reach[:, 2:]]
        boxes = np.concatenate(corners, axis=1) / np.array([across, down] * 2)
        found = _apart(numbers, scores[cells, numbers], np.clip(boxes, 0.0, 1.0))
        return Labels(self.model_id, tuple(found[:MOST_LABELS]))


def _multiple(side: int) -> int:
    """The side that the network takes: a multiple of its largest cell."""
    return -(-side // STRIDES_PX[-1]) * STRIDES_PX[-1]


def _cells(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle of each cell [px] and its side [px]: [cells, 2] and [cells]."""
    middles, strides = [], []
    for stride in STRIDES_PX:
        down, across = np.mgrid[: height // stride, : width // stride]
        middles.append((np.stack([across.ravel(), down.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(across.size, float(stride)))
    return np.concatenate(middles), np.concatenate(strides)


def _apart(
    numbers: NDArray[np.int64], scores: NDArray[np.float32], boxes: NDArray[np.float64]
) -> list[Label]:
    """The best first, without those that overlap a better one of their class."""
    kept: dict[int, list[NDArray[np.float64]]] = {}
    found = []
    for place in np.argsort(-scores, kind="stable").tolist():
        number, box, sure = int(numbers[place]), boxes[place], _probability(scores[place])
        others = kept.setdefault(number, [])
        if others and (sure < ANOTHER or overlaps(box, np.stack(others)).max() > OVERLAP):
            continue
        others.append(box)
        left, top, right, bottom = box.tolist()
        found.append(Label(number, sure, (left, top, right - left, bottom - top)))
    return found


def _probability(score: float) -> float:
    sure = min(score, 1.0 - 1e-6)
    odds = STEEPNESS * math.log(sure / (1.0 - sure)) + SHIFT
    return 1.0 / (1.0 + math.exp(-odds))


def overlaps(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of a box, its edges [4], with others, [n, 4]: [n] in [0, 1]."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    both = np.prod(np.maximum(high - low, 0.0), axis=1)
    area, areas = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(both / np.maximum(area + areas - both, 1e-12))
