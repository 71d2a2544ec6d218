"""What the streams of a half are made of. No recording is in two halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DEVELOPMENT, TEST, SEALED = "development", "test", "sealed"
HALVES = (DEVELOPMENT, TEST, SEALED)


@dataclass(frozen=True)
class Named:
    """A recording and where it is from."""

    name: str
    samples: NDArray[np.generic]


class Sources(Protocol):
    """Recordings of one half, each read on first use.

    Attributes:
        half: one of `HALVES`.
        shots: of real video, uint8 [N, 256, W, 3] at ten frames a second, W >= 256.
        photographs: uint8 [224, 224, 3].
        event_sounds: of distinct kinds, float32 [n], trimmed to where they are heard, in a room,
            RMS 1.
        rooms: noise of rooms and streets, float32 [n], RMS 1.
        other_places: sound of other places, heard all the time, float32 [n], RMS 1.
        motions: of an IMU, float64 [n, 6] at 100 Hz: acceleration m/s^2, rotation rad/s.

    Raises:
        FileNotFoundError: where a recording is missing, by any of them.
    """

    @property
    def half(self) -> str: ...

    @property
    def shots(self) -> tuple[Named, ...]: ...

    @property
    def photographs(self) -> tuple[Named, ...]: ...

    @property
    def event_sounds(self) -> tuple[Named, ...]: ...

    @property
    def rooms(self) -> tuple[Named, ...]: ...

    @property
    def other_places(self) -> tuple[Named, ...]: ...

    @property
    def motions(self) -> tuple[Named, ...]: ...
