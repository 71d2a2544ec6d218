"""What the camera of a stream sees: real shots and photographs, and what happens before them."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.schedule import Event
from sage_bench.salience.streams.shots import FRAME_RATE, SIDE
from sage_bench.salience.streams.sources import Named

Frame = NDArray[np.uint8]
SENSOR_NOISE = 2.0
NOISE_FRAMES = 16
DRIFT_PIXELS = 1.0
ENTERS_S = 0.7
COVERS_S = 0.3
PHOTO_SIDE = 288


class Shot:
    """One place seen by a camera: a shot of real video, or a photograph that it pans over.

    A shot plays forward and backward, so that no joint is a cut of its own. The window wanders
    over the wider picture and the light drifts by 5 %, so that no frame comes twice.
    """

    def __init__(self, source: Named, random: np.random.Generator) -> None:
        picture = np.asarray(source.samples, np.uint8)
        if picture.ndim == 3:
            wide = cv2.resize(picture, (PHOTO_SIDE, PHOTO_SIDE), interpolation=cv2.INTER_CUBIC)
            picture = np.asarray(wide, np.uint8)[None]
        self.name = source.name
        self._frames = picture
        self._random = random
        self._at = int(random.integers(2 * len(picture)))
        self._room = np.array(picture.shape[1:3]) - SIDE
        self._corner = random.uniform(0.0, 1.0, 2) * self._room
        self._speed = np.zeros(2)
        self._light = 1.0

    def next(self) -> Frame:
        """The next frame, uint8 [224, 224, 3]."""
        self._at += 1
        period = max(2 * len(self._frames) - 2, 1)
        place = self._at % period
        frame = self._frames[place if place < len(self._frames) else period - place]
        self._speed = 0.9 * self._speed + self._random.normal(0.0, DRIFT_PIXELS * 0.3, 2)
        self._corner = np.clip(self._corner + self._speed, 0.0, self._room)
        self._light = 1.0 + 0.98 * (self._light - 1.0) + float(self._random.normal(0.0, 0.005))
        row, column = (int(value) for value in self._corner)
        window = frame[row : row + SIDE, column : column + SIDE]
        return np.asarray(cv2.convertScaleAbs(window, alpha=self._light), np.uint8)


class Scenery:
    """The pictures of a stream, ten a second.

    Args:
        places: two places; a cut leads from one to the other.
        objects: photographs whose middle enters, or covers the view.
        events: what happens, in order.
        random: decides all that chance decides.
    """

    def __init__(
        self,
        places: tuple[Named, Named],
        objects: tuple[Named, ...],
        events: tuple[Event, ...],
        random: np.random.Generator,
    ) -> None:
        self.place = 0
        self._shots = tuple(Shot(place, random) for place in places)
        self._events = events
        self._random = random
        self._noise = random.normal(0.0, SENSOR_NOISE, (NOISE_FRAMES, SIDE, SIDE, 3))
        self._noise = self._noise.astype(np.int8)
        self._last = np.zeros((SIDE, SIDE, 3), np.uint8)
        self._props = {event: self._prop(event, objects) for event in events}

    def frame(self, time_s: float) -> Frame:
        """The frame of the tick at `time_s`, uint8 [224, 224, 3]."""
        now = next((e for e in self._events if _is_on(e, time_s)), None)
        if now is not None and now.family == "cut" and _tick(time_s - now.onset_s) == 0:
            self.place = 1 - self.place
        frame = self._shots[self.place].next()
        if now is not None and now.family == "freeze":
            return self._last
        if now is not None and self._props[now] is not None:
            self._props[now].draw(frame, time_s - now.onset_s)
        noise = self._noise[int(self._random.integers(NOISE_FRAMES))]
        seen = np.clip(frame.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        self._last = seen
        return seen

    def _prop(self, event: Event, objects: tuple[Named, ...]) -> Prop | None:
        if event.family not in ("entry", "occlusion"):
            return None
        chosen = objects[int(self._random.integers(len(objects)))]
        picture = np.asarray(chosen.samples, np.uint8)
        from_left = bool(self._random.integers(2))
        if event.family == "occlusion":
            return Occlusion(picture, from_left, float(self._random.uniform(0.5, 0.9)))
        height = float(self._random.uniform(0.3, 0.5))
        return Entry(picture, from_left, height, float(self._random.uniform(0.3, 0.7)))


class Entry:
    """An object that comes in from a side, stays a second, and leaves again."""

    def __init__(self, picture: Frame, from_left: bool, height: float, row: float) -> None:
        side = round(height * SIDE)
        self._object = np.asarray(cv2.resize(picture, (side, side)), np.float32)
        axis = np.linspace(-1.0, 1.0, side, dtype=np.float32)
        distance = np.hypot(axis[:, None], axis[None])
        self._mask = np.clip((1.0 - distance) / 0.1, 0.0, 1.0)[..., None]
        self._from_left = from_left
        self._top = round(row * (SIDE - side))
        self._side = side

    def draw(self, frame: Frame, elapsed_s: float) -> None:
        """Put the object where it is `elapsed_s` after it began to come in."""
        way = min((elapsed_s + 1.0 / FRAME_RATE) / ENTERS_S, (2.4 - elapsed_s) / ENTERS_S, 1.0)
        sway = 0.02 * math.sin(9.0 * elapsed_s)
        left = -self._side + (way + sway) * (0.5 * SIDE + 0.5 * self._side)
        if not self._from_left:
            left = SIDE - self._side - left
        first, last = max(round(left), 0), min(round(left) + self._side, SIDE)
        if last <= first:
            return
        inside = slice(first - round(left), last - round(left))
        view = frame[self._top : self._top + self._side, first:last]
        mask = self._mask[:, inside]
        view[...] = (view * (1.0 - mask) + self._object[:, inside] * mask).astype(np.uint8)


class Occlusion:
    """Something dark and out of focus that covers half to nine tenths of the view."""

    def __init__(self, picture: Frame, from_left: bool, share: float) -> None:
        blurred = cv2.GaussianBlur(cv2.resize(picture, (SIDE, SIDE)), (0, 0), 12.0)
        self._cover = np.asarray(0.4 * blurred, np.uint8)
        self._from_left = from_left
        self._share = share

    def draw(self, frame: Frame, elapsed_s: float) -> None:
        """Cover what is covered `elapsed_s` after it began."""
        way = min((elapsed_s + 1.0 / FRAME_RATE) / COVERS_S, (2.1 - elapsed_s) / COVERS_S, 1.0)
        width = round(way * self._share * SIDE)
        view = slice(0, width) if self._from_left else slice(SIDE - width, SIDE)
        frame[:, view] = self._cover[:, view]


Prop = Entry | Occlusion


def _tick(elapsed_s: float) -> int:
    return round(elapsed_s * FRAME_RATE)


def _is_on(event: Event, time_s: float) -> bool:
    return 0 <= _tick(time_s - event.onset_s) < _tick(event.end_s - event.onset_s)
