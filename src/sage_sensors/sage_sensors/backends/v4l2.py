"""Cameras of Linux (Video4Linux2) through OpenCV."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from sage_common.core.clock import Clock
from sage_sensors.core.samples import (
    Canvas,
    Frame,
    SourceError,
    Stamped,
    blank_frame,
    want_all,
)

DEVICES = Path("/dev")
PATTERN = "video*"


class V4l2Camera:
    """A USB or built-in camera.

    Args:
        device: path such as /dev/video2; empty: the first under /dev/video* that opens.
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
        self.source = f"v4l2:{device or 'auto'}"
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
        self.wants: Callable[[int], bool] = want_all

    def open(self) -> None:
        device, capture = self._first_that_opens()
        self.source = f"v4l2:{device}"
        for name, value in self._wanted.items():
            if value:
                capture.set(name, value)
        self._capture = capture

    def _first_that_opens(self) -> tuple[str, Any]:
        wanted = [self._device] if self._device else _devices()
        found = [device for device in wanted if os.path.exists(device)]
        if not found:
            what = "no such device" if self._device else f"no camera under {DEVICES / PATTERN}"
            raise SourceError(f"{self.source}: {what}")
        for device in found:
            capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
            if capture.isOpened():
                return device, capture
            capture.release()
        named = "" if self._device else f"{', '.join(found)} "
        raise SourceError(f"{self.source}: {named}cannot be opened (in use, or not a camera)")

    def read(self) -> Stamped[Frame] | None:
        if self._capture is None:
            return None
        if not self._capture.grab():
            raise SourceError(f"{self.source}: no frame; unplugged?")
        stamp_ns = self._clock.now_ns()
        if not self.wants(stamp_ns):
            return None  # it was not decoded
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


def _devices() -> list[str]:
    """Video devices in order of their numbers."""
    found = (path for path in DEVICES.glob(PATTERN) if path.name.removeprefix("video").isdigit())
    return [str(path) for path in sorted(found, key=lambda path: int(path.name[len("video") :]))]
