"""Cameras of Linux (Video4Linux2) through OpenCV."""

from __future__ import annotations

import os
from typing import Any

import cv2

from sage_common.core.clock import Clock
from sage_sensors.core.samples import Canvas, Frame, SourceError, Stamped, blank_frame


class V4l2Camera:
    """A USB or built-in camera.

    Args:
        device: path such as /dev/video0.
        width_px, height_px: size to ask for; 0: the camera's own. It may give another.
        rate_hz: frames per second to ask for.
        clock: for the stamps, taken when the frame has arrived and before it is decoded.
        canvas: gives the frames to draw into.
    """

    polled = False
    # The driver does not say which frames it overwrote; the monitor sees the gap in the stamps.
    overruns = 0

    def __init__(
        self,
        device: str,
        width_px: int,
        height_px: int,
        rate_hz: float,
        clock: Clock,
        canvas: Canvas = blank_frame,
    ) -> None:
        self.source = f"v4l2:{device}"
        self.period_s = 1.0 / rate_hz
        self._device = device
        self._wanted = {
            cv2.CAP_PROP_FRAME_WIDTH: width_px,
            cv2.CAP_PROP_FRAME_HEIGHT: height_px,
            cv2.CAP_PROP_FPS: rate_hz,
        }
        self._clock = clock
        self._canvas = canvas
        self._capture: Any = None

    def open(self) -> None:
        if not os.path.exists(self._device):
            raise SourceError(f"{self.source}: no such device")
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{self.source}: cannot be opened (in use, or not a camera)")
        for name, value in self._wanted.items():
            if value:
                capture.set(name, value)
        self._capture = capture

    def read(self) -> Stamped[Frame] | None:
        if self._capture is None:
            return None
        if not self._capture.grab():
            raise SourceError(f"{self.source}: no frame; unplugged?")
        stamp_ns = self._clock.now_ns()
        arrived, bgr = self._capture.retrieve()
        if not arrived:
            raise SourceError(f"{self.source}: a frame that cannot be decoded")
        frame = self._canvas(*bgr.shape[:2])
        cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=frame.pixels)
        return Stamped(stamp_ns, frame)

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
