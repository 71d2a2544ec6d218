"""A moving picture that needs no camera: a pure function of the seed and the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.samples import Canvas, Frame, Stamped, blank_frame, want_all
from sage_sensors.core.synthetic_events import SyntheticEvent, events_between

DRIFT_PX_PER_S = 12.0
WAVES = 6


class SyntheticScene:
    """Soft coloured waves drift to the left; events happen in front of them.

    Args:
        width_px, height_px: size of the picture, >= 16.
        rate_hz: frames per second, > 0.
        seed: of the background and of the events, >= 0.
        canvas: gives the frames to draw into.
    """

    source = "synthetic"
    length_ns = 0

    def __init__(
        self,
        width_px: int = 640,
        height_px: int = 480,
        rate_hz: float = 30.0,
        seed: int = 0,
        canvas: Canvas = blank_frame,
    ) -> None:
        if width_px < 16 or height_px < 16 or not rate_hz > 0.0:
            raise ValueError(
                f"width_px, height_px, rate_hz = {width_px}, {height_px}, {rate_hz}: "
                "expected at least 16, at least 16, above 0"
            )
        self.period_s = 1.0 / rate_hz
        self._width, self._height = width_px, height_px
        self._rate_hz = rate_hz
        self._seed = seed
        self._canvas = canvas
        self.wants: Callable[[int], bool] = want_all
        self._background = _waves(width_px, height_px, seed)

    def render(self, time_ns: int) -> NDArray[np.uint8]:
        """The picture at `time_ns` >= 0: uint8 RGB [height, width, 3]."""
        pixels = blank_frame(self._height, self._width).pixels
        self._paint(pixels, time_ns)
        return pixels

    def events(self, start_ns: int, end_ns: int) -> list[SyntheticEvent]:
        """Ground truth: what happens within `start_ns` <= t < `end_ns`."""
        return events_between(self._seed, start_ns, end_ns)

    def items(self) -> Iterator[Stamped[Frame]]:
        number = 0
        while True:
            time_ns = round(number * NS_PER_S / self._rate_hz)
            number += 1
            if self.wants(time_ns):
                frame = self._canvas(self._height, self._width)
                self._paint(frame.pixels, time_ns)
                yield Stamped(time_ns, frame)

    def _paint(self, pixels: NDArray[np.uint8], time_ns: int) -> None:
        shift = int(time_ns * DRIFT_PX_PER_S / NS_PER_S) % self._width
        parts = [self._background[:, shift:], self._background[:, :shift]]
        np.concatenate(parts, axis=1, out=pixels)
        for event in self.events(time_ns, time_ns + 1):
            self._draw(pixels, event, time_ns)

    def _draw(self, pixels: NDArray[np.uint8], event: SyntheticEvent, time_ns: int) -> None:
        progress = event.progress(time_ns)
        if progress is None:
            return
        radius = self._height // (8 if event.kind == "crossing" else 4)
        place = event.place
        if event.kind == "crossing":
            place = progress if event.place < 0.5 else 1.0 - progress
        x, y = int(place * self._width), int(event.height * self._height)
        left, right = max(x - radius, 0), min(x + radius, self._width)
        top, bottom = max(y - radius, 0), min(y + radius, self._height)
        rows, columns = np.ogrid[top:bottom, left:right]
        disc = (rows - y) ** 2 + (columns - x) ** 2 < radius * radius
        colour = (230, 60, 30) if event.kind == "crossing" else (255, 255, 255)
        pixels[top:bottom, left:right][disc] = colour


def _waves(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    """A smooth picture [height, width, 3] that continues seamlessly from right to left."""
    rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 2, 0]))
    across = np.arange(width) / width * 2.0 * np.pi
    down = np.arange(height)[:, None] / height * 2.0 * np.pi
    picture = np.zeros((height, width, 3))
    for _ in range(WAVES):
        turns_x, turns_y = rng.integers(1, 6), rng.uniform(0.5, 5.0)
        phase = rng.uniform(0.0, 2.0 * np.pi)
        colour = rng.uniform(-1.0, 1.0, size=3)
        picture += np.sin(turns_x * across + turns_y * down + phase)[..., None] * colour
    return np.clip(110.0 + 30.0 * picture, 0, 255).astype(np.uint8)
