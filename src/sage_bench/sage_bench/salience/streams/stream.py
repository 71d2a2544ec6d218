"""A stream of camera, microphone and IMU in one clock, with everything that happens in it known."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.inertial import IMU_RATE
from sage_bench.salience.streams.motion import motion
from sage_bench.salience.streams.scenery import Scenery
from sage_bench.salience.streams.schedule import WARM_UP_S, Event, schedule
from sage_bench.salience.streams.sealed_sources import SealedSources, sealed_folder
from sage_bench.salience.streams.shared_sources import SharedSources
from sage_bench.salience.streams.shots import FRAME_RATE
from sage_bench.salience.streams.sounds import SOUND_RATE
from sage_bench.salience.streams.soundscape import soundscape
from sage_bench.salience.streams.sources import SEALED, Named, Sources

GENERATOR_VERSION = 2
STREAMS = 8
LENGTH_S, QUICK_LENGTH_S = 240.0, 90.0


@dataclass(frozen=True)
class Moment:
    """What the sensors say in one tick of 0.1 s.

    Attributes:
        time_s: end of the tick.
        frame: uint8 [224, 224, 3], RGB.
        sound: float32 [1600], mono at 16 kHz.
        acceleration: float64 [10, 3] at 100 Hz [m/s^2].
        rotation: float64 [10, 3] at 100 Hz [rad/s].
    """

    time_s: float
    frame: NDArray[np.uint8]
    sound: NDArray[np.float32]
    acceleration: NDArray[np.float64]
    rotation: NDArray[np.float64]


class Stream:
    """Moments of a stream; sources, length and seed decide everything.

    Args:
        sources: the recordings of its half.
        index: which stream of the half; also its seed.
        length_s: how long.
    """

    def __init__(self, sources: Sources, index: int, length_s: float = LENGTH_S) -> None:
        self.half = sources.half
        self.name = f"{sources.half} {index}"
        self.seed = index
        self.length_s = length_s
        self._sources = sources
        self._index = index

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """What happens, in order."""
        return self._heard[1]

    @cached_property
    def ignored(self) -> tuple[tuple[float, float], ...]:
        """Spans [s] that are neither event nor background: the warm-up, what motion knows."""
        return ((0.0, WARM_UP_S), *self._felt[1])

    def moments(self) -> Iterator[Moment]:
        """Ten moments a second, the same ones every time."""
        scenery = Scenery(self._places, self._sources.photographs, self._plan, self._random("see"))
        samples, felt = self._heard[0], self._felt[0]
        sound_size, imu_size = SOUND_RATE // FRAME_RATE, IMU_RATE // FRAME_RATE
        for tick in range(round(self.length_s * FRAME_RATE)):
            rows = felt[tick * imu_size : (tick + 1) * imu_size]
            yield Moment(
                time_s=(tick + 1) / FRAME_RATE,
                frame=scenery.frame(tick / FRAME_RATE),
                sound=samples[tick * sound_size : (tick + 1) * sound_size],
                acceleration=rows[:, :3],
                rotation=rows[:, 3:],
            )

    @cached_property
    def _plan(self) -> tuple[Event, ...]:
        return schedule(self._random("plan"), self.length_s)

    @property
    def _places(self) -> tuple[Named, Named]:
        shots = self._sources.shots
        first = shots[self._index % len(shots)]
        random = self._random("places")
        # The other place is another shot or, as often, a photograph that the camera pans over.
        others = [shot for shot in shots if shot is not first]
        photographs = self._sources.photographs
        if others and self._index % 2:
            return first, others[int(random.integers(len(others)))]
        return first, photographs[int(random.integers(len(photographs)))]

    @cached_property
    def _heard(self) -> tuple[NDArray[np.float32], tuple[Event, ...]]:
        random = self._random("hear")
        rooms, others = self._sources.rooms, self._sources.other_places
        places = (rooms[self._index % len(rooms)], others[int(random.integers(len(others)))])
        return soundscape(places, self._sources.event_sounds, self._plan, self.length_s, random)

    @cached_property
    def _felt(self) -> tuple[NDArray[np.float64], tuple[tuple[float, float], ...]]:
        source = self._sources.motions[self._index % len(self._sources.motions)]
        return motion(source, self._plan, self.length_s, self._random("feel"))

    def _random(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that one does not shift the others."""
        words = [zlib.crc32(word.encode()) for word in (self.half, purpose)]
        return np.random.default_rng([GENERATOR_VERSION, self.seed, *words])


def sources_of(half: str, data: Path) -> Sources:
    """The recordings of a half; `data` is the folder of the recordings.

    Raises:
        FileNotFoundError: recordings of the sealed half are missing.
    """
    return SealedSources(sealed_folder(data)) if half == SEALED else SharedSources(half, data)


def streams(half: str, data: Path, quick: bool = False) -> tuple[Stream, ...]:
    """The streams of a half: 8 of 240 s; `quick`: one of 90 s.

    Raises:
        FileNotFoundError: a recording is missing.
    """
    sources = sources_of(half, data)
    if quick:
        return (Stream(sources, 0, QUICK_LENGTH_S),)
    return tuple(Stream(sources, index) for index in range(STREAMS))
