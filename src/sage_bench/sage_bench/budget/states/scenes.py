"""What a robot senses through a week: scenes of recordings, scored once by the salience core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Setting
from sage_bench.salience.streams.inertial import IMU_RATE
from sage_bench.salience.streams.percepts import (
    MODALITIES,
    Percepts,
    cache_folder,
    percepts_of,
)
from sage_bench.salience.streams.schedule import Event, schedule
from sage_bench.salience.streams.shots import SIDE
from sage_bench.salience.streams.sources import Named, Sources
from sage_bench.salience.streams.stream import Stream, sources_of
from sage_bench.salience.trace import modal
from sage_snarc.core.fusion import Fusion
from sage_snarc.core.scorer import Scorer

USUAL = 36_000.0
"""Alarms an hour of a tick in which nothing was fused [1/h]."""
BEGIN_S, CALM_S = 3.0, 60.0
FIRST_SEED = 100
"""No scene looks or sounds like a stream of the bench of salience."""
PASSES = 2
"""The scorers live through all scenes so often; the last time counts."""


class Scene(NamedTuple):
    """A kind of surroundings.

    Attributes:
        name: of the scene.
        place: which of the recorded places.
        length_s, quick_length_s: how much of it is recorded [s].
        gap_s: background between two events [s]; None: nothing happens.
        moves: False: the robot stands at its calmest; with `sees` False, it sees one still frame.
        sees: whether the camera sees a recorded shot.
    """

    name: str
    place: int
    length_s: float
    quick_length_s: float
    gap_s: tuple[float, float] | None
    moves: bool
    sees: bool


SCENES = (
    Scene("home", 1, 120.0, 25.0, None, moves=False, sees=True),
    Scene("visit", 1, 90.0, 25.0, (8.0, 16.0), moves=False, sees=True),
    Scene("work", 2, 90.0, 25.0, (4.0, 8.0), moves=False, sees=True),
    Scene("outing", 0, 80.0, 25.0, (6.0, 14.0), moves=True, sees=True),
    Scene("dock", 3, 160.0, 25.0, None, moves=False, sees=False),
    Scene("disturbance", 3, 60.0, 30.0, (12.0, 20.0), moves=False, sees=False),
)
"""In the order in which the scorers live through them."""


@dataclass(frozen=True)
class Track:
    """What the salience core says of a scene, ten times a second.

    Attributes:
        alarms_per_hour: of the fused salience, float64 [T] [1/h].
        events: what happens in it.
        quiet: False: so near to an event, or to what the recording of the motion brings, that an
            alarm is no false one; bool [T].
    """

    alarms_per_hour: NDArray[np.float64]
    events: tuple[Event, ...]
    quiet: NDArray[np.bool_]


class _SceneStream(Stream):
    """A stream of a scene."""

    def __init__(self, sources: Sources, scene: Scene, length_s: float) -> None:
        super().__init__(sources, scene.place, length_s)
        self.name = f"{sources.half} {scene.name}"
        self.seed = FIRST_SEED + SCENES.index(scene)
        self._scene = scene

    @cached_property
    def ignored(self) -> tuple[tuple[float, float], ...]:
        """Spans [s] of what the recording of the motion brings, of which nothing is known."""
        return self._felt[1]

    @cached_property
    def _plan(self) -> tuple[Event, ...]:
        if self._scene.gap_s is None:
            return ()
        return schedule(self._random("plan"), self.length_s, BEGIN_S, self._scene.gap_s)


class _SceneSources:
    """`Sources` of which a robot that stands, or is in its dock, has only what is calm."""

    def __init__(self, sources: Sources, scene: Scene) -> None:
        self.half = sources.half
        self._sources, self._scene = sources, scene
        self.photographs, self.event_sounds = sources.photographs, sources.event_sounds
        self.rooms, self.other_places = sources.rooms, sources.other_places

    @cached_property
    def shots(self) -> tuple[Named, ...]:
        """Shots, or of each one frame that stands still."""
        if self._scene.sees:
            return self._sources.shots
        return tuple(Named(shot.name, _still(shot.samples)) for shot in self._sources.shots)

    @cached_property
    def motions(self) -> tuple[Named, ...]:
        """Whole recordings, or of each the minute with the least rotation."""
        if self._scene.moves:
            return self._sources.motions
        return tuple(Named(item.name, _calmest(item.samples)) for item in self._sources.motions)


def tracks(setting: Setting, half: str) -> Mapping[str, Track]:
    """The scenes of a half of the recordings, by name; one life of the scorers goes through all.

    Raises:
        ModelError: a model is missing or cannot be used.
        FileNotFoundError: a recording is missing.
    """
    sources = sources_of(half, setting.data)
    played = [
        percepts_of(_stream(sources, scene, setting.quick), setting.models, cache_folder())
        for scene in SCENES
    ]
    scorers, fusion = {name: Scorer(name) for name in MODALITIES}, Fusion(MODALITIES)
    found: dict[str, Track] = {}
    for number in range(PASSES * len(SCENES)):
        place = number % len(SCENES)
        track = _scored(played[place], number, scorers, fusion)
        found[SCENES[place].name] = track
    return found


def _stream(sources: Sources, scene: Scene, quick: bool) -> Stream:
    length_s = scene.quick_length_s if quick else scene.length_s
    return _SceneStream(_SceneSources(sources, scene), scene, length_s)


def _scored(
    percepts: Percepts, number: int, scorers: Mapping[str, Scorer], fusion: Fusion
) -> Track:
    rates = np.full(len(percepts.times_s), USUAL)
    for tick, sensed in enumerate(percepts.at_ticks(number)):
        for percept in sensed:
            fusion.see(percept.modality, percept.stamp_ns, percept.embedding)
            fused = fusion.fuse(modal(scorers[percept.modality].score(percept)))
            rates[tick] = fused.alarms_per_hour
    begin_s = percepts.times_s - 0.1
    quiet = np.ones(len(begin_s), np.bool_)
    spans = [(event.onset_s, event.end_s + 1.0) for event in percepts.events]
    for first_s, last_s in (*spans, *percepts.ignored):
        quiet &= (begin_s < first_s - 0.25) | (begin_s > last_s)
    return Track(rates, percepts.events, quiet)


def _still(frames: NDArray[np.generic]) -> NDArray[np.generic]:
    """The middle of the first frame, uint8 [1, 224, 224, 3]."""
    row, column = ((size - SIDE) // 2 for size in frames.shape[1:3])
    return frames[:1, row : row + SIDE, column : column + SIDE]


def _calmest(motion: NDArray[np.generic]) -> NDArray[np.generic]:
    size = min(round(CALM_S * IMU_RATE), len(motion))
    starts = range(0, len(motion) - size + 1, IMU_RATE)
    first = min(starts, key=lambda start: float(np.std(motion[start : start + size, 3:])))
    return motion[first : first + size]
