"""Naming a picture: calibrated probabilities of ImageNet's classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_encoders.core.framing import Framing
from sage_encoders.core.model import Model
from sage_encoders.core.signature import Signature, Tensor
from sage_encoders.core.vision import Pixels, Resize

MODEL = "picture_classifier"
SIDE_PX, CLASSES, FEATURES, KEPT = 224, 1000, 1280, 10
SIGNATURE = Signature(
    inputs={"image": Tensor("uint8", ("N", SIDE_PX, SIDE_PX, 3))},
    outputs={
        "logits": Tensor("float32", ("N", CLASSES)),
        "features": Tensor("float32", ("N", FEATURES)),
    },
)
SHARP_TEMPERATURE, BLURRED_TEMPERATURE, BLURRED_PX = 0.8, 1.05, 64
"""Temperatures of the softmax for pictures of 224 pixels and more, and of 64: what was enlarged is
named with less certainty than the network believes. Fitted on the even classes of photos800 and
tiny_imagenet; 0.7 would fit the former best, but the network may have been trained on them."""
MOST_BLURRED = 1.3


@dataclass(frozen=True)
class Naming:
    """What a picture may show.

    Attributes:
        probabilities: calibrated, of each class, float32 [1000], their sum is 1.
        features: what the network saw, float32 [1280].
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]

    def labels(self, model_id: str) -> Labels:
        """The ten most probable classes, best first."""
        best = np.argsort(-self.probabilities, kind="stable")[:KEPT]
        return Labels(
            model_id, tuple(Label(int(n), float(self.probabilities[n])) for n in best.tolist())
        )


class PictureClassifier:
    """Names one RGB picture at a time.

    Args:
        model: input `image` uint8 [1, 224, 224, 3]; outputs `logits` float32 [1, 1000] and
            `features` float32 [1, 1280].
        resize: scales pictures.
    """

    def __init__(self, model: Model, resize: Resize) -> None:
        self._model, self._resize = model, resize

    @property
    def model_id(self) -> str:
        """Name, version and hash of the network."""
        return self._model.encoder_id

    def name(self, image: Pixels) -> Naming:
        """Name what is in a picture, its largest centred square, uint8 RGB [H, W, 3].

        The probabilities are those of a softmax whose temperature depends on the resolution
        (C. Guo et al., "On Calibration of Modern Neural Networks", ICML 2017).

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise InvalidInput("image", f"{image.dtype} {image.shape}", "uint8 [H, W, 3], RGB")
        square = Framing.of(image.shape[1], image.shape[0], "crop").cut(image)
        scaled = self._resize(square, SIDE_PX, SIDE_PX)
        outputs = self._model.run(image=np.ascontiguousarray(scaled)[None])
        return Naming(
            _softmax(outputs["logits"][0], temperature(min(image.shape[:2]))),
            np.asarray(outputs["features"][0], np.float32),
        )


def temperature(side_px: int) -> float:
    """Of the softmax, for a square of so many pixels a side before it was scaled."""
    blurred = math.log(SIDE_PX / side_px) / math.log(SIDE_PX / BLURRED_PX)
    share = min(max(blurred, 0.0), MOST_BLURRED)
    return SHARP_TEMPERATURE + share * (BLURRED_TEMPERATURE - SHARP_TEMPERATURE)


def _softmax(logits: NDArray[Any], temperature: float) -> NDArray[np.float32]:
    powers = np.exp((logits - logits.max()).astype(np.float64) / temperature)
    return np.asarray(powers / powers.sum(), np.float32)
