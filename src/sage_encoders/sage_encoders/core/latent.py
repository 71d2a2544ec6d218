"""A picture as the latent of the light VAE: 7x7x256 in int8, 12.5 KB, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_encoders.core.framing import SIDE_PX
from sage_encoders.core.model import Model

LATENT_SHAPE = (7, 7, 256)
LARGEST = 127


@dataclass(frozen=True)
class Latent:
    """A latent rounded to int8.

    Attributes:
        values: int8 [7, 7, 256], -127..127.
        scale: what one step stands for, above zero.
    """

    values: NDArray[np.int8]
    scale: float

    def __post_init__(self) -> None:
        if self.values.dtype != np.int8 or self.values.shape != LATENT_SHAPE:
            found = f"{self.values.dtype} {self.values.shape}"
            raise InvalidInput("values", found, f"int8 {LATENT_SHAPE}")
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise InvalidInput("scale", self.scale, "a finite number above 0")

    def floats(self) -> NDArray[np.float32]:
        """float32 [7, 7, 256]: what the decoder takes."""
        scaled: NDArray[np.float32] = self.values * np.float32(self.scale)
        return scaled


def rounded(latent: NDArray[np.float32]) -> Latent:
    """Round a latent so that its largest value becomes 127 or -127; an error of half a step.

    Args:
        latent: float32 [7, 7, 256], about unit variance.

    Raises:
        InvalidInput: another shape or dtype, or a value that is not finite.
    """
    if latent.dtype != np.float32 or latent.shape != LATENT_SHAPE:
        found = f"{latent.dtype} {latent.shape}"
        raise InvalidInput("latent", found, f"float32 {LATENT_SHAPE}")
    largest = float(np.abs(latent).max())
    if not np.isfinite(largest):
        raise InvalidInput("latent", largest, "finite values")
    scale = largest / LARGEST if largest else 1.0
    return Latent(np.rint(latent / np.float32(scale)).astype(np.int8), scale)


class LatentCodec:
    """Turns pictures into latents and back.

    Args:
        encoder: input `image` uint8 [1, 224, 224, 3]; output `latent` float32 [1, 7, 7, 256].
        decoder: the other way round.
    """

    def __init__(self, encoder: Model, decoder: Model) -> None:
        self._encoder, self._decoder = encoder, decoder

    @property
    def encoder_id(self) -> str:
        """Of the encoder: latents of another one cannot be decoded here."""
        return self._encoder.encoder_id

    def encode(self, image: NDArray[np.uint8]) -> Latent:
        """Encode a picture.

        Args:
            image: RGB uint8 [224, 224, 3]; `VisionEncoder.square` makes it of any picture.

        Raises:
            InvalidInput: another shape or dtype.
        """
        if image.dtype != np.uint8 or image.shape != (SIDE_PX, SIDE_PX, 3):
            found = f"{image.dtype} {image.shape}"
            raise InvalidInput("image", found, f"uint8 ({SIDE_PX}, {SIDE_PX}, 3), RGB")
        return rounded(self._encoder.run(image=image[None])["latent"][0])

    def decode(self, latent: Latent) -> NDArray[np.uint8]:
        """The picture of a latent: RGB uint8 [224, 224, 3]."""
        image: NDArray[np.uint8] = self._decoder.run(latent=latent.floats()[None])["image"][0]
        return image
