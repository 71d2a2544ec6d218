"""A picture as a puzzle: 30x30 codes ordered by luminance, and an embedding of the scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import GRID, Percept
from sage_common.core.state.stateful import Stateful
from sage_encoders.core.framing import SIDE_PX, Framing
from sage_encoders.core.model import Model
from sage_encoders.core.signature import Signature, Tensor

MODEL = "vision_encoder"
Pixels = NDArray[np.uint8]
Resize = Callable[[Pixels, int, int], Pixels]
"""Scales [H, W, 3] to a width and a height in pixels."""

SIGNATURE = Signature(
    inputs={"image": Tensor("uint8", ("N", SIDE_PX, SIDE_PX, 3))},
    outputs={
        "codes": Tensor("uint8", ("N", GRID, GRID)),
        "embedding": Tensor("float32", ("N", "D")),
    },
)


class VisionEncoder(Stateful):
    """Encodes one RGB picture at a time.

    Args:
        model: input `image` uint8 [1, 224, 224, 3]; outputs `codes` uint8 [1, 30, 30] and
            `embedding` float32 [1, D].
        resize: scales pictures.
        fit: "crop" (largest centred square) or "letterbox" (black bars).
    """

    def __init__(self, model: Model, resize: Resize, fit: str = "crop") -> None:
        self._model, self._resize, self._fit = model, resize, fit

    @property
    def encoder_id(self) -> str:
        """Of the model."""
        return self._model.encoder_id

    def square(self, image: Pixels) -> Pixels:
        """What the model sees of a picture: uint8 [224, 224, 3].

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise InvalidInput("image", f"{image.dtype} {image.shape}", "uint8 [H, W, 3], RGB")
        if image.shape == (SIDE_PX, SIDE_PX, 3):
            return np.ascontiguousarray(image)
        framing = Framing.of(image.shape[1], image.shape[0], self._fit)
        left, top, width, height = framing.inner()
        scaled = self._resize(framing.cut(image), width, height)
        if scaled.shape == (SIDE_PX, SIDE_PX, 3):
            return scaled
        square = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        square[top : top + height, left : left + width] = scaled
        return square

    def encode(self, image: Pixels, stamp_ns: int, source: str) -> Percept:
        """Encode a picture.

        Args:
            image: RGB uint8 [H, W, 3], any size.
            stamp_ns: when it was taken.
            source: name of the camera.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        outputs = self._run(image)
        return Percept(
            stamp_ns=stamp_ns,
            modality="vision",
            source=source,
            codes=outputs["codes"][0],
            embedding=outputs["embedding"][0],
            encoder_id=self._model.encoder_id,
        )

    def embed(self, image: Pixels) -> NDArray[np.float32]:
        """The embedding of a picture, float32 [D], unit length.

        Raises:
            InvalidInput: not uint8 [H, W, 3].
        """
        return np.asarray(self._run(image)["embedding"][0], np.float32)

    def _run(self, image: Pixels) -> Mapping[str, NDArray[Any]]:
        return self._model.run(image=self.square(image)[None])
