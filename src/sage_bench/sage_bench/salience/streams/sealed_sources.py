"""The recordings of the sealed half, of a folder that a user has filled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from sage_bench.salience.streams import inertial, sounds
from sage_bench.salience.streams.origins import (
    EVENT_SOUND,
    INERTIAL,
    PHOTOGRAPH,
    PLACE,
    RESPONSE,
    ROOM,
    SEALED_ORIGINS,
    VIDEO,
    Origin,
)
from sage_bench.salience.streams.shots import SIDE, shots
from sage_bench.salience.streams.sources import SEALED, Named

FOLDER = "SAGE_BENCH_SEALED"
"""Names the folder of the sealed recordings; unset: `sealed` in the folder of all recordings."""
PAGE = "docs/salience_benchmark.md"
ACCELEROMETER, GYROSCOPE = "acelerometro_terra", "giroscopio_terra"


def sealed_folder(data: Path) -> Path:
    """The folder that is named by `SAGE_BENCH_SEALED`, or the default within that of the data."""
    named = os.environ.get(FOLDER, "")
    return Path(named) if named else data / "sealed"


class SealedSources:
    """`Sources` of the sealed half.

    Args:
        folder: of the recordings.
        origins: which there must be.

    Raises:
        FileNotFoundError: one or more are not there, all named.
    """

    half = SEALED

    def __init__(self, folder: Path, origins: Sequence[Origin] = SEALED_ORIGINS) -> None:
        self.folder = folder
        self._origins = origins
        patterns = [
            f"{origin.folder}/{pattern}"
            for origin in origins
            for chosen in origin.files.values()
            for pattern in chosen
        ]
        missing = [pattern for pattern in patterns if not any(folder.glob(pattern))]
        if missing:
            raise FileNotFoundError(
                f"{', '.join(missing)}: not in {folder}, where the recordings of the sealed half "
                f"are looked for; {PAGE} lists the commands that fetch them, and {FOLDER} names "
                "their folder"
            )

    @cached_property
    def shots(self) -> tuple[Named, ...]:
        """Shots of the videos."""
        return tuple(
            Named(f"{self._name(path)} {index}", shot)
            for path in self._files(VIDEO)
            for index, shot in enumerate(shots(path))
        )

    @cached_property
    def photographs(self) -> tuple[Named, ...]:
        """The square in the middle of each photograph."""
        return tuple(Named(self._name(p), _square(p)) for p in self._files(PHOTOGRAPH))

    @cached_property
    def event_sounds(self) -> tuple[Named, ...]:
        """Sounds of animals, people, things and instruments."""
        responses = [sounds.decoded(path) for path in self._files(RESPONSE)]
        paths = self._files(EVENT_SOUND)
        heard = sounds.in_rooms([sounds.decoded(path) for path in paths], responses)
        return tuple(Named(self._name(p), samples) for p, samples in zip(paths, heard, strict=True))

    @cached_property
    def rooms(self) -> tuple[Named, ...]:
        """Noise of rooms and streets."""
        return tuple(
            Named(self._name(path), sounds.unit(sounds.without_quiet_ends(sounds.decoded(path))))
            for path in self._files(ROOM)
        )

    @cached_property
    def other_places(self) -> tuple[Named, ...]:
        """Water, wind, woods and machines."""
        found = [Named(self._name(path), sounds.decoded(path)) for path in self._files(PLACE)]
        heard = [item for item in found if sounds.steady(item.samples)]
        return tuple(Named(item.name, sounds.unit(item.samples)) for item in heard)

    @cached_property
    def motions(self) -> tuple[Named, ...]:
        """Of a hand, a car and a driving robot."""
        paths = [path for path in self._files(INERTIAL) if path.stem != GYROSCOPE]
        return tuple(Named(self._name(path), _motion(path)) for path in paths)

    def _files(self, use: str) -> list[Path]:
        """Files of a use, in the order of the list; those of a pattern by name."""
        return [
            path
            for origin in self._origins
            for pattern in origin.files.get(use, ())
            for path in sorted((self.folder / origin.folder).glob(pattern))
        ]

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.folder).with_suffix(""))


def _square(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{path}: expected a photograph")
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    middle = pixels[top : top + side, left : left + side, ::-1]
    scaled = cv2.resize(middle, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(scaled, np.uint8)


def _motion(path: Path) -> NDArray[np.float64]:
    if path.suffix == ".bag":
        return inertial.of_bag(path)
    if path.suffix == ".mat":
        return _of_trial(path)
    force = _of_phone(path)
    turn = _of_phone(path.with_stem(GYROSCOPE))
    times_s = force[:, 0]
    rates = [np.interp(times_s, turn[:, 0], column) for column in turn[:, 1:].T]
    return inertial.at_100_hz(times_s, np.column_stack([force[:, 1:], *rates]))


def _of_trial(path: Path) -> NDArray[np.float64]:
    """A trial of BROAD, from the first to the last sample that it marks as movement."""
    trial = loadmat(path, squeeze_me=True)
    moving = np.flatnonzero(trial["movement"])
    chosen = slice(int(moving[0]), int(moving[-1]) + 1)
    values = np.hstack([trial["imu_acc"], trial["imu_gyr"]])[chosen]
    return inertial.at_100_hz(np.arange(len(values)) / float(trial["sampling_rate"]), values)


def _of_phone(path: Path) -> NDArray[np.float64]:
    """Time [s] and three axes, float64 [n, 4], of a table whose first column is a date."""
    rows = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=(1, 2, 3, 4))
    return np.column_stack([rows[:, 0] * 1e-9, rows[:, 1:]])
