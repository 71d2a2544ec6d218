"""Decoded pictures drawn into frames: upright, scaled, in RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from sage_sensors.core.samples import Canvas, Frame


class FrameDrawer:
    """Draws what FFmpeg decoded.

    Args:
        width_px, height_px: size to scale to; 0: native, or as the other one and the aspect
            ratio say.
        canvas: gives the frames to draw into.
    """

    def __init__(self, width_px: int, height_px: int, canvas: Canvas) -> None:
        self._size = (width_px, height_px)
        self._canvas = canvas
        # One for all: each new one takes memory of its own, and starts threads for every picture.
        self._reformatter = VideoReformatter()

    def draw(self, frame: Any) -> Frame:
        """The picture, upright and scaled, in RGB."""
        width_px, height_px = self._size
        quarter_turns = round(frame.rotation / 90.0) % 4
        if quarter_turns % 2:
            width_px, height_px = height_px, width_px
        width, height = scaled(frame.width, frame.height, width_px, height_px)
        picture = self._reformatter.reformat(frame, width, height, "rgb24", threads=1)
        plane = picture.planes[0]
        shape, strides = (picture.height, picture.width, 3), (plane.line_size, 3, 1)
        # FFmpeg converts into memory of its own only; this is the one copy.
        decoded: NDArray[np.uint8] = np.ndarray(shape, np.uint8, plane, 0, strides)
        upright = np.rot90(decoded, quarter_turns)
        drawn = self._canvas(*upright.shape[:2])
        np.copyto(drawn.pixels, upright)
        return drawn


def scaled(width: int, height: int, width_px: int, height_px: int) -> tuple[int, int]:
    """The size of a picture that is scaled; 0: native, or as the other one and its shape say."""
    across = width_px or (round(width * height_px / height) if height_px else width)
    down = height_px or (round(height * width_px / width) if width_px else height)
    return across, down
