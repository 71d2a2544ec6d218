"""What sensors deliver, and the two kinds of sources that deliver it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

ABSENT = "absent"
"""What stands for a sensor or a stream that is not there."""
SAMPLE_RATE_HZ = 16000
CHUNK_SAMPLES = 1600
SAMPLE_NS = 1_000_000_000 // SAMPLE_RATE_HZ

T_co = TypeVar("T_co", covariant=True)


class SourceError(RuntimeError):
    """A source that cannot be opened or read, or a device that was lost; says why."""


@dataclass(frozen=True)
class Stamped(Generic[T_co]):
    """A sample and its time.

    Attributes:
        time_ns: capture time [ns] on the node's clock (devices), or time since the start of the
            track [ns] (tracks). Of sound: of its last sample. Of words: of their end.
        value: the sample.
    """

    time_ns: int
    value: T_co


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        pixels: uint8 RGB [height, width, 3].
        slot: what the publisher knows the memory of `pixels` by, if it gave it; else None.
    """

    pixels: NDArray[np.uint8]
    slot: Any = field(default=None, compare=False, repr=False)

    def fingerprint(self) -> int:
        """Equal for equal pictures; looks at every 8th pixel of every 8th row."""
        return zlib.crc32(np.ascontiguousarray(self.pixels[::8, ::8]).data)


def want_all(time_ns: int) -> bool:
    """Every sample is wanted."""
    return True


Canvas = Callable[[int, int], Frame]
"""Gives a frame of a height and a width [px] whose pixels are to be drawn."""


def blank_frame(height_px: int, width_px: int) -> Frame:
    """A frame in memory of its own, not drawn yet."""
    return Frame(np.empty((height_px, width_px, 3), np.uint8))


@dataclass(frozen=True)
class Sound:
    """Consecutive `samples` float32 [n], mono, 16 kHz, nominally in [-1, 1]."""

    samples: NDArray[np.float32]

    def fingerprint(self) -> int:
        """Equal for equal sound."""
        return zlib.crc32(np.ascontiguousarray(self.samples).data)


@dataclass(frozen=True)
class Inertial:
    """One reading of an IMU in REP-145 axes (x forward, y left, z up).

    Attributes:
        angular_velocity: float64 [3], rad/s.
        linear_acceleration: float64 [3], m/s^2; specific force, so +9.8 on z at rest.
        orientation: float64 [4], quaternion w, x, y, z of the body in an east-north-up frame;
            None if the source does not know it.
    """

    angular_velocity: NDArray[np.float64]
    linear_acceleration: NDArray[np.float64]
    orientation: NDArray[np.float64] | None = None

    def fingerprint(self) -> int:
        """Equal for equal readings."""
        return hash((self.angular_velocity.tobytes(), self.linear_acceleration.tobytes()))


@dataclass(frozen=True)
class Words:
    """An utterance: text (not empty), who said it, BCP 47 language, confidence 0..1."""

    text: str
    speaker: str = ""
    language: str = ""
    confidence: float = 1.0

    def fingerprint(self) -> int:
        """Equal for equal words."""
        return hash((self.text, self.speaker))


Sample = Frame | Sound | Inertial | Words


def check_finite_sample(value: object) -> None:
    """Check that a device has measured numbers.

    Raises:
        InvalidInput: some are NaN or infinite; the field is named.
    """
    fields: dict[str, NDArray[Any]] = {}
    if isinstance(value, Sound):
        fields = {"samples": value.samples}
    elif isinstance(value, Inertial):
        fields = {
            "angular_velocity": value.angular_velocity,
            "linear_acceleration": value.linear_acceleration,
        }
    for name, numbers in fields.items():
        if not np.isfinite(numbers).all():
            raise InvalidInput(name, "NaN or infinite", "finite numbers")


@runtime_checkable
class Track(Protocol[T_co]):
    """A source that knows its samples' times beforehand: a file, or a generated signal.

    Attributes:
        source: what it is, for people and diagnostics: "file:walk.mp4", "synthetic".
        length_ns: its length [ns]; 0 if it does not end.
        period_s: nominal time between samples [s]; 0 for events.
    """

    @property
    def source(self) -> str: ...

    @property
    def length_ns(self) -> int: ...

    @property
    def period_s(self) -> float: ...

    def items(self) -> Iterator[Stamped[T_co]]:
        """All samples from the start, in order of time.

        Raises:
            SourceError: it cannot be read.
        """


@runtime_checkable
class Skipping(Protocol):
    """A track whose samples are costly, and that can leave some out when it is read too slowly.

    Attributes:
        passed: samples left out so far.
    """

    @property
    def passed(self) -> int: ...

    def skip_to(self, time_ns: int) -> None:
        """What lies before this moment of the track [ns] is unwanted, until `items` begins anew."""


@runtime_checkable
class Selective(Protocol):
    """A source whose samples are costly, and that makes only those that are wanted.

    Attributes:
        wants: is asked once for each sample, in order of time, whether it is wanted, by what would
            be its `time_ns`.
    """

    wants: Callable[[int], bool]


@runtime_checkable
class Device(Protocol[T_co]):
    """A source that is read as time passes: hardware, or a stream.

    Attributes:
        source: what it is: "v4l2:/dev/video0".
        period_s: nominal time between samples [s]; 0 for events.
        polled: True if `read` returns at once and is to be called once a period; False if it
            waits for the next sample.
        overruns: samples lost so far because nobody read in time.
    """

    @property
    def source(self) -> str: ...

    @property
    def period_s(self) -> float: ...

    @property
    def polled(self) -> bool: ...

    @property
    def overruns(self) -> int: ...

    def open(self) -> None:
        """Take the device.

        Raises:
            SourceError: it is absent, busy, or cannot do what is asked.
        """

    def read(self) -> Stamped[T_co] | None:
        """The next sample; None if none came within a fraction of a second.

        Raises:
            SourceError: the device was lost.
            EOFError: it has ended for good (standard input).
        """

    def close(self) -> None:
        """Give it back; may be called twice."""
