"""How a picture of any size becomes the encoder's square, and how places in it map back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

SIDE_PX = 224
METHODS = ("crop", "letterbox")


@dataclass(frozen=True)
class Framing:
    """The square of the native picture that the encoder sees, in native pixels.

    With `crop` it is the largest centred square inside the picture; with `letterbox` the smallest
    centred square around it, and what lies outside is black. The aspect ratio is kept.

    Attributes:
        left, top: corner of the square [px]; negative with bars.
        side: of the square [px].
        width, height: of the picture [px].
    """

    left: int
    top: int
    side: int
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int, method: str) -> Framing:
        """The framing of a picture of `width` x `height`.

        Raises:
            InvalidInput: a side below 1 px, or an unknown method.
        """
        if width < 1 or height < 1:
            raise InvalidInput("image", f"{width}x{height}", "at least 1x1 pixels")
        if method not in METHODS:
            raise InvalidInput("fit", method, " or ".join(METHODS))
        side = min(width, height) if method == "crop" else max(width, height)
        return cls((width - side) // 2, (height - side) // 2, side, width, height)

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of the picture [H, W, 3] inside the square; a view."""
        top, left = max(self.top, 0), max(self.left, 0)
        return image[top : top + self.side, left : left + self.side]

    def inner(self) -> tuple[int, int, int, int]:
        """Where that part lies in the 224 px square: left, top, width, height [px]."""
        scale = SIDE_PX / self.side
        left, top = round(max(-self.left, 0) * scale), round(max(-self.top, 0) * scale)
        width = max(round(min(self.width, self.side) * scale), 1)
        height = max(round(min(self.height, self.side) * scale), 1)
        return min(left, SIDE_PX - width), min(top, SIDE_PX - height), width, height

    def to_native(self, x: float, y: float) -> tuple[float, float]:
        """Pixel of the native picture at a fraction of the square, clipped to the picture."""
        return (
            float(np.clip(self.left + x * self.side, 0, self.width)),
            float(np.clip(self.top + y * self.side, 0, self.height)),
        )
