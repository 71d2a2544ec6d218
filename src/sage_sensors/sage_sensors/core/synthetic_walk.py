"""IMU readings of a walking person: a pure function of the seed and the time.

Amplitudes and frequencies are those of a recorded walk with a hand-held camera: steps at 1.7 Hz
seen on the vertical axis, sway at half of that, and slow turns.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.inertial_table import STANDARD_GRAVITY
from sage_sensors.core.samples import Inertial, Stamped

STEP_HZ = 1.7
GYRO_NOISE_RAD_S = 0.02
ACCEL_NOISE_M_S2 = 0.15


class SyntheticWalk:
    """A walk that does not end.

    Args:
        rate_hz: readings per second, > 0.
        seed: of noise and phases, >= 0.
    """

    source = "synthetic"
    length_ns = 0

    def __init__(self, rate_hz: float = 100.0, seed: int = 0) -> None:
        if not rate_hz > 0.0:
            raise ValueError(f"rate_hz = {rate_hz}: expected above 0")
        self.period_s = 1.0 / rate_hz
        self._rate_hz = rate_hz
        self._seed = seed
        self._phases = self._random(0, 4).uniform(0.0, 2.0 * np.pi, size=6)

    def reading(self, number: int) -> Inertial:
        """Reading `number` (0, 1, ...), at number / rate_hz seconds."""
        step = 2.0 * np.pi * STEP_HZ * number / self._rate_hz
        p = self._phases
        noise = self._random(number, 5).standard_normal(6)
        gyro = (
            0.10 * np.sin(0.5 * step + p[0]),
            0.15 * np.sin(step + p[1]),
            0.15 * np.sin(0.5 * step + p[2]) + 0.1 * np.sin(0.05 * step + p[3]),
        )
        accel = (
            0.6 * np.sin(step + p[4]),
            0.6 * np.sin(0.5 * step + p[5]),
            STANDARD_GRAVITY + 1.7 * np.sin(step) + 0.4 * np.sin(2.0 * step + p[1]),
        )
        return Inertial(
            np.array(gyro) + GYRO_NOISE_RAD_S * noise[:3],
            np.array(accel) + ACCEL_NOISE_M_S2 * noise[3:],
        )

    def items(self) -> Iterator[Stamped[Inertial]]:
        number = 0
        while True:
            yield Stamped(round(number * NS_PER_S / self._rate_hz), self.reading(number))
            number += 1

    def _random(self, number: int, purpose: int) -> np.random.Generator:
        bits = np.random.Philox(key=self._seed, counter=[0, 0, purpose, number])
        return np.random.Generator(bits)
