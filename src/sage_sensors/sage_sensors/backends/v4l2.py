"""Cameras of Linux (Video4Linux2) through OpenCV."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Else OpenCV waits 10 s for a camera that gives nothing more. Slow ones begin after 1 to 2 s.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")

import cv2

from sage_common.core.clock import NS_PER_MS, NS_PER_S, Clock
from sage_sensors.backends.v4l2_query import in_use, query
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
MJPG = "MJPG"
# Of what was asked for; below, pictures that the camera compresses are tried instead.
LEAST_RATE = 0.8
# A frame cannot be older: the driver has four buffers, or its stamps are of another clock.
OLDEST_FRAME_NS = 2 * NS_PER_S


class V4l2Camera:
    """A USB or built-in camera.

    Args:
        device: path such as /dev/video2; empty: the first under /dev/video* that opens.
        width_px, height_px: size to ask for; 0: the camera's own. It may give another.
        rate_hz: frames per second to ask for.
        clock: for the stamps: when the driver got the frame, by its own stamp, or else when it was
            read, before it is decoded.
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
        self._size = {cv2.CAP_PROP_FRAME_WIDTH: width_px, cv2.CAP_PROP_FRAME_HEIGHT: height_px}
        self._rate_hz = rate_hz
        self._clock = clock
        self._canvas = canvas
        self._capture: Any = None
        self.wants: Callable[[int], bool] = want_all

    def open(self) -> None:
        device, formats, capture = self._first_that_opens()
        self.source = f"v4l2:{device}"
        self._capture = capture
        self._ask()
        if MJPG in formats and 0.0 < self.rate_hz < LEAST_RATE * self._rate_hz:
            # Uncompressed, USB 2 carries 30 frames/s up to 640x480 only.
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*MJPG))
            self._ask()

    @property
    def encoding(self) -> str:
        """How the open camera sends its pictures: four letters such as YUYV or MJPG."""
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        return code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")

    @property
    def rate_hz(self) -> float:
        """Frames per second that the open camera has agreed to; 0: it does not say."""
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    def _ask(self) -> None:
        for name, value in {**self._size, cv2.CAP_PROP_FPS: self._rate_hz}.items():
            if value:
                self._capture.set(name, value)

    def _first_that_opens(self) -> tuple[str, tuple[str, ...], Any]:
        wanted = [self._device] if self._device else video_devices()
        if not wanted:
            raise SourceError(f"{self.source}: no camera under {DEVICES / PATTERN}")
        faults = []
        for device in wanted:
            try:
                formats, capture = _opened(device)
            except SourceError as error:
                faults.append(str(error) if self._device else f"{device}: {error}")
            else:
                return device, formats, capture
        raise SourceError(f"{self.source}: {'; '.join(faults)}")

    def read(self) -> Stamped[Frame] | None:
        if self._capture is None:
            return None
        if not self._capture.grab():
            raise SourceError(f"{self.source}: no frame; unplugged?")
        stamp_ns = self._clock.now_ns() - self._age_ns()
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

    def _age_ns(self) -> int:
        """How long ago the driver got the frame [ns]; 0 if it does not say."""
        captured_ns = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) * NS_PER_MS)
        age_ns = time.monotonic_ns() - captured_ns
        return age_ns if captured_ns > 0 and 0 <= age_ns <= OLDEST_FRAME_NS else 0


def _opened(device: str) -> tuple[tuple[str, ...], Any]:
    """What formats the device has, and the device, open.

    Raises:
        SourceError: says why not.
    """
    found = query(device)
    if not found.captures:
        raise SourceError(f"{found.card} is not a camera: it captures no pictures")
    if found.is_bare_sensor:
        raise SourceError(
            f"{found.card} gives raw sensor data only ({', '.join(found.formats)}): "
            "take its pictures from the ROS node of its image processor (backend topic)"
        )
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        why = in_use(device) or ": in use, or its formats are unknown to OpenCV"
        formats = ", ".join(found.formats)
        raise SourceError(f"{found.card} ({formats}) cannot be opened{why}")
    return found.formats, capture


def video_devices() -> list[str]:
    """Video devices in order of their numbers."""
    found = (path for path in DEVICES.glob(PATTERN) if path.name.removeprefix("video").isdigit())
    return [str(path) for path in sorted(found, key=lambda path: int(path.name[len("video") :]))]
