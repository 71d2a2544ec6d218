"""Reads a line of text: SVTR (Y. Du et al., "SVTR: Scene Text Recognition with a Single Visual
Model", IJCAI 2022) as PP-OCRv4 has it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.reading.text_detector import (
    Corners,
    Pixels,
    check_picture,
    network_values,
)
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.ctc import best_path
from sage_encoders.core.signature import Signature, Tensor

MODEL = "text_recogniser"
INPUT, OUTPUT, CHARACTERS = "x", "softmax_11.tmp_0", 6625
SIGNATURE = Signature(
    inputs={INPUT: Tensor("float32", ("N", 3, "H", "W"))},
    outputs={OUTPUT: Tensor("float32", ("N", "T", CHARACTERS))},
)
HEIGHT_PX, LEAST_WIDTH_PX, MOST_WIDTH_PX = 48, 32, 960
UPRIGHT = 1.5
"""A line that is this much higher than wide is written upwards or downwards: both are tried."""


@dataclass(frozen=True)
class Reading:
    """What a line says.

    Attributes:
        text: empty where there is none.
        probability: that all of it is right, [0, 1].
    """

    text: str
    probability: float


class TextRecogniser:
    """Reads one line at a time.

    Args:
        model: with SIGNATURE; its metadata `character` lists what it can read, a line each.

    Raises:
        ModelError: it lists other characters than it gives.
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        listed = model.metadata.get("character", "").splitlines()
        self._characters = (*listed, " ")
        if len(self._characters) + 1 != CHARACTERS:
            raise ModelError(f"{model.path}: {len(listed)} characters: expected {CHARACTERS - 2}")

    def read(self, image: Pixels, corners: Corners) -> Reading:
        """What the line between four corners says.

        Args:
            image: RGB uint8 [H, W, 3].
            corners: as of a `TextLine`.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        check_picture(image)
        width, height = _size(corners)
        if height < UPRIGHT * width:
            return self._read(image, corners)
        ways = (self._read(image, np.roll(corners, turns, axis=0)) for turns in (-1, 1))
        return max(ways, key=lambda reading: reading.probability)

    def _read(self, image: Pixels, corners: Corners) -> Reading:
        outputs = self._model.run(**{INPUT: network_values(_flat(image, corners))})
        text, each = best_path(np.asarray(outputs[OUTPUT][0], np.float32), self._characters)
        return Reading(text, float(np.mean(each))) if text else Reading("", 0.0)


def _size(corners: Corners) -> tuple[float, float]:
    """Width and height of a line [px], 1 at least."""
    top, right, bottom, left = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    return max(float(top), float(bottom), 1.0), max(float(left), float(right), 1.0)


def _flat(image: Pixels, corners: Corners) -> Pixels:
    """The line as if seen from the front, and as high as the network takes it."""
    width, height = _size(corners)
    across = int(np.clip(np.ceil(HEIGHT_PX * width / height), LEAST_WIDTH_PX, MOST_WIDTH_PX))
    target = np.array([[0, 0], [across, 0], [across, HEIGHT_PX], [0, HEIGHT_PX]], np.float32)
    shape = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    flat = cv2.warpPerspective(
        image, shape, (across, HEIGHT_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(flat, np.uint8)
