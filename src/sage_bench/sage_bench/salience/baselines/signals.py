"""Simple signals that a user could watch instead of salience, one number a tick."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.stream import Moment
from sage_encoders.core.log_mel import BANDS, FLOOR_DB, FRAMES, LogMelStream

GRAVITY = 9.80665
IMU_RATE_HZ = 100.0
SILENCE = 1e-10


class SoundLevel:
    """RMS of the sound [dB of full scale], -100 at silence."""

    name = "sound energy"

    def score(self, moment: Moment) -> float:
        power = float(np.mean(np.square(moment.sound, dtype=np.float64)))
        return 10.0 * float(np.log10(power + SILENCE))


class SpectralFlux:
    """Half-wave rectified rise of the log-mel bands from the mean of one tick to the next [dB].

    Dixon, Onset Detection Revisited, 2006; from tick to tick, which finds more on the development
    half than from one frame of 10 ms to the next.
    """

    name = "spectral flux"

    def __init__(self) -> None:
        self._stream = LogMelStream()
        self._before = np.full(BANDS, FLOOR_DB)

    def score(self, moment: Moment) -> float:
        fresh = min(self._stream.push(moment.sound), FRAMES)
        if not fresh:
            return 0.0
        now = self._stream.window()[:, -fresh:].mean(axis=1, dtype=np.float64)
        rise = float(np.maximum(now - self._before, 0.0).mean())
        self._before = now
        return rise


class Brightness:
    """Mean of the grey picture, 0..255."""

    name = "brightness"

    def score(self, moment: Moment) -> float:
        return float(grey(moment).mean())


class Contrast:
    """Variance of the grey picture, the energy of its signal."""

    name = "image energy"

    def score(self, moment: Moment) -> float:
        return float(grey(moment).var(dtype=np.float64))


class FrameDifference:
    """Mean absolute difference of grey pictures, 0..255."""

    name = "frame difference"

    def __init__(self) -> None:
        self._before: NDArray[np.uint8] | None = None

    def score(self, moment: Moment) -> float:
        now, before = grey(moment), self._before
        self._before = now
        return 0.0 if before is None else float(cv2.absdiff(now, before).mean())


class Acceleration:
    """RMS of how far the magnitude of the acceleration is from gravity [m/s^2]."""

    name = "acceleration energy"

    def score(self, moment: Moment) -> float:
        excess = np.linalg.norm(moment.acceleration, axis=1) - GRAVITY
        return float(np.sqrt(np.mean(excess**2)))


class Rotation:
    """RMS of the angular rate [rad/s]."""

    name = "rotation energy"

    def score(self, moment: Moment) -> float:
        return float(np.sqrt(np.mean(np.sum(moment.rotation**2, axis=1))))


class Jerk:
    """Largest change of the acceleration from one sample to the next [m/s^3]."""

    name = "jerk"

    def __init__(self) -> None:
        self._before = np.zeros((0, 3))

    def score(self, moment: Moment) -> float:
        samples = np.concatenate((self._before, moment.acceleration))
        self._before = moment.acceleration[-1:]
        change = np.linalg.norm(np.diff(samples, axis=0), axis=1)
        return float(change.max()) * IMU_RATE_HZ


SIGNALS = (
    SoundLevel, SpectralFlux, Brightness, Contrast, FrameDifference, Acceleration,
    Rotation, Jerk,
)  # fmt: skip
"""Each has a `name` and one `score` a tick, of what was until then."""


def grey(moment: Moment) -> NDArray[np.uint8]:
    """The picture in grey, uint8 [224, 224]."""
    return np.asarray(cv2.cvtColor(moment.frame, cv2.COLOR_RGB2GRAY), np.uint8)
