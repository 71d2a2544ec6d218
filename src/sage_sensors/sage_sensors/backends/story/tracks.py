"""The tracks of a composition: pictures, sound, IMU and words, made as they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_sensors.backends.drawing import FrameDrawer
from sage_sensors.backends.story.clip import VideoClip
from sage_sensors.core.inertial_table import InertialTable
from sage_sensors.core.samples import (
    CHUNK_SAMPLES,
    SAMPLE_NS,
    SAMPLE_RATE_HZ,
    Frame,
    Inertial,
    Sound,
    Stamped,
    Words,
    want_all,
)
from sage_sensors.core.story import mixing
from sage_sensors.core.story.laps import Happening, Laps
from sage_sensors.core.story.passages import Passage, bed_place, passages

KEPT_SOUNDS = 4
MOTION_EDGE_S = 0.15
BLOCK = 64
"""Readings of an IMU that are made at once."""


class StoryPictures:
    """The bed's pictures, and those that are shown in its place.

    Args:
        laps: what happens when.
        clip: gives the video of a recording ("": the bed's) and the number of a file of it.
        bed_s: length of the bed's recording [s].
        drawer: draws its pictures.
        many: laps; 0: for ever.
        source: what it is called in diagnostics.
    """

    def __init__(
        self, laps: Laps, clip: Callable[[str, int], VideoClip], bed_s: float,
        drawer: FrameDrawer, many: int, source: str,
    ) -> None:  # fmt: skip
        self.source = source
        self.length_ns = many * laps.lap_ns
        self._laps, self._many, self._clip, self._drawer = laps, many, clip, drawer
        self._bed_s = bed_s
        self.period_s = 1.0 / clip("", 0).media.frame_rate_hz
        self.passed = 0
        self.wants: Callable[[int], bool] = want_all
        self._wanted_ns = 0

    def skip_to(self, time_ns: int) -> None:
        self._wanted_ns = time_ns

    def items(self) -> Iterator[Stamped[Frame]]:
        self._wanted_ns, last_ns = 0, -1
        for lap in range(self._many) if self._many else count():
            for passage in passages(self._laps, lap, self._bed_s):
                if passage.end_ns <= self._wanted_ns:
                    continue
                for time_ns, frame in self._pictures(passage):
                    if not last_ns < time_ns < passage.end_ns:
                        continue
                    if time_ns < self._wanted_ns:
                        self.passed += 1
                        continue
                    last_ns = time_ns
                    if self.wants(time_ns):
                        yield Stamped(time_ns, self._drawn(frame, passage, time_ns))

    def _pictures(self, passage: Passage) -> Iterator[tuple[int, object]]:
        """Due times [ns] and pictures of a passage; a recording that is too short begins again."""
        clip = self._clip(passage.recording, passage.take)
        start_s = passage.start_ns / NS_PER_S
        end_s = passage.from_s + (passage.end_ns - passage.start_ns) / NS_PER_S
        if passage.backwards:
            to_s = 2.0 * passage.from_s - end_s
            for time_s, frame in clip.backwards(passage.from_s, to_s):
                yield round((start_s + passage.from_s - time_s) * NS_PER_S), frame
            return
        begun_s, left_s = passage.from_s % clip.length_s, end_s - passage.from_s
        while left_s > 0.0:
            for time_s, frame in clip.frames(begun_s, begun_s + left_s):
                yield round((start_s + time_s - begun_s) * NS_PER_S), frame
            played_s = clip.length_s - begun_s
            start_s, left_s, begun_s = start_s + played_s, left_s - played_s, 0.0

    def _drawn(self, frame: object, passage: Passage, time_ns: int) -> Frame:
        drawn, brightness = self._drawer.draw(frame), passage.brightness(time_ns)
        if passage.upside_down:
            np.copyto(drawn.pixels, drawn.pixels[::-1, ::-1].copy())
        if brightness < 1.0:
            cv2.convertScaleAbs(drawn.pixels, drawn.pixels, brightness)
        return drawn


class StorySound:
    """The bed's sound, over and over, with the sounds of events in it.

    Args:
        laps: what happens when.
        bed: samples that may be repeated without a seam, float32 [n]; empty: silence.
        sound: gives the samples of the sound of an event.
        many, source: as of the pictures.
    """

    period_s = CHUNK_SAMPLES / SAMPLE_RATE_HZ

    def __init__(
        self, laps: Laps, bed: mixing.Samples,
        sound: Callable[[Happening], mixing.Samples], many: int, source: str,
    ) -> None:  # fmt: skip
        self.source = source
        self.length_ns = many * laps.lap_ns
        self._laps, self._many, self._bed = laps, many, bed
        self._sound = lru_cache(KEPT_SOUNDS)(sound)

    def items(self) -> Iterator[Stamped[Sound]]:
        for number in count():
            end = (number + 1) * CHUNK_SAMPLES
            time_ns = (end - 1) * SAMPLE_NS
            if self._many and time_ns >= self.length_ns:
                return
            start_ns = number * CHUNK_SAMPLES * SAMPLE_NS
            heard = mixing.piece(self._bed, number * CHUNK_SAMPLES, CHUNK_SAMPLES)
            for one in self._laps.between(start_ns, time_ns):
                heard = self._with(heard, number * CHUNK_SAMPLES, one)
            yield Stamped(time_ns, Sound(heard))

    def _with(self, heard: mixing.Samples, first: int, one: Happening) -> mixing.Samples:
        change = one.event.sound
        if change is None:
            return heard
        offset = first - round(one.start_ns / SAMPLE_NS)
        length = round((one.end_ns - one.start_ns) / SAMPLE_NS)
        places = offset + np.arange(len(heard))
        if change.replaces:
            edge = np.minimum(places, length - places) / (mixing.EDGE_S * SAMPLE_RATE_HZ)
            heard = heard * (1.0 - np.clip(edge, 0.0, 1.0)).astype(np.float32)
        own = self._sound(one)
        inside = (places >= 0) & (places < min(len(own), length))
        mixed = heard.copy()
        mixed[inside] += own[places[inside]]
        return np.clip(mixed, -1.0, 1.0)


class StoryMotion:
    """Readings of the bed's IMU, and those of events in their place.

    The bed goes back and forth with its pictures: played backwards, what turned left turns right.

    Args:
        laps: what happens when.
        bed: readings of the bed.
        bed_s: length of the bed's recording [s].
        table: gives the readings of an event's recording, and where in it its part begins [s].
        many, source: as of the pictures.
    """

    def __init__(
        self, laps: Laps, bed: InertialTable, bed_s: float,
        table: Callable[[Happening], tuple[InertialTable, float]], many: int, source: str,
    ) -> None:  # fmt: skip
        self.source = source
        self.length_ns = many * laps.lap_ns
        self.period_s = bed.period_s
        self._laps, self._many = laps, many
        self._bed, self._bed_s, self._table = bed, bed_s, table

    def items(self) -> Iterator[Stamped[Inertial]]:
        for first in count(0, BLOCK):
            times_ns = np.round((first + np.arange(BLOCK)) * self.period_s * NS_PER_S).astype(int)
            felt = self._bed_at(times_ns / NS_PER_S)
            for one in self._laps.between(int(times_ns[0]), int(times_ns[-1])):
                felt = self._with(felt, times_ns, one)
            for time_ns, row in zip(times_ns.tolist(), felt, strict=True):
                if self._many and time_ns >= self.length_ns:
                    return
                yield Stamped(time_ns, Inertial(row[:3], row[3:]))

    def _bed_at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rotation and acceleration [n, 6] of the bed at these times since the start."""
        both = self._laps.composition.bed.back_and_forth
        placed = [bed_place(float(time_s), self._bed_s, both) for time_s in times_s]
        felt = _readings(self._bed, np.array([place_s for place_s, _ in placed]))
        felt[np.array([backwards for _, backwards in placed]), :3] *= -1.0
        return felt

    def _with(
        self, felt: NDArray[np.float64], times_ns: NDArray[np.int64], one: Happening
    ) -> NDArray[np.float64]:
        change = one.event.motion
        if change is None:
            return felt
        since_s = (times_ns - one.start_ns) / NS_PER_S
        edge = np.minimum(since_s, one.event.for_s - since_s) / MOTION_EDGE_S
        share = np.clip(edge, 0.0, 1.0)[:, None]
        table, begin_s = self._table(one)
        own = _readings(table, begin_s + change.from_s + since_s)
        return np.asarray((1.0 - share) * felt + share * own)


class StoryWords:
    """The words of events, each at the event's end.

    Args:
        laps: what happens when.
        many, source: as of the pictures.
    """

    period_s = 0.0

    def __init__(self, laps: Laps, many: int, source: str) -> None:
        self.source = source
        self.length_ns = many * laps.lap_ns
        self._laps, self._many = laps, many

    def items(self) -> Iterator[Stamped[Words]]:
        for lap in range(self._many) if self._many else count():
            for one in self._laps.of(lap):
                if one.event.words:
                    yield Stamped(one.end_ns, Words(one.event.words))


def _readings(table: InertialTable, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation and acceleration [n, 6] at these times of a recording, between its readings."""
    own_s = table.times_ns / NS_PER_S
    both = np.hstack([table.angular_velocity, table.linear_acceleration])
    return np.stack([np.interp(times_s, own_s, column) for column in both.T], axis=1)
