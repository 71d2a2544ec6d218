"""Synthetic streams of robot messages by physical models, each a function of its seed.

A room with furniture around a laser scanner and a lidar, a wheeled robot whose wheels can slip, a
battery with an inner resistance. Noise and rates are those of data sheets.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
S = 1_000_000_000
START_NS = 1_700_000_000 * S

ROOM_M = (7.0, 5.0, 2.8)
"""Length, breadth and height of the room; the sensor stands in its middle."""
PILLARS = ((1.8, 1.5, 0.2), (-2.5, -1.2, 0.4), (2.6, -1.9, 0.3))
"""x, y and radius [m] of what stands in the room."""
PERSON_M = 0.25


def distances(bearings: Floats, pillars: Sequence[tuple[float, float, float]]) -> Floats:
    """Distance [n] to the room's walls or its pillars along bearings [n], seen from the middle."""
    x, y = np.cos(bearings), np.sin(bearings)
    with np.errstate(divide="ignore"):
        away = np.minimum(ROOM_M[0] / 2.0 / np.abs(x), ROOM_M[1] / 2.0 / np.abs(y))
    for at_x, at_y, radius in pillars:
        along, aside = at_x * x + at_y * y, at_x * y - at_y * x
        hit = (along > 0.0) & (np.abs(aside) < radius)
        depth = np.sqrt(np.maximum(radius**2 - aside**2, 0.0))
        away = np.where(hit, np.minimum(away, along - depth), away)
    return away


@dataclass(frozen=True)
class Scanner:
    """A scanner of 270 degrees: 1 cm of noise, 1 % of its beams lost, 12 m at most."""

    beams: int = 1081
    first: float = -math.radians(135.0)
    increment: float = math.radians(270.0) / 1080.0
    noise_m: float = 0.01
    lost: float = 0.01
    limits: tuple[float, float] = (0.05, 12.0)

    def scan(
        self,
        rng: np.random.Generator,
        people: Sequence[tuple[float, float]] = (),
        turned: float = 0.0,
    ) -> NDArray[np.float32]:
        """Ranges [beams] of one turn; `people`: where they stand, x and y [m]."""
        bearings = self.first + self.increment * np.arange(self.beams) + turned
        away = distances(bearings, [*PILLARS, *((x, y, PERSON_M) for x, y in people)])
        away = away + rng.normal(0.0, self.noise_m, self.beams)
        away[rng.random(self.beams) < self.lost] = math.inf
        away[away > self.limits[1]] = math.inf
        return away.astype(np.float32)


@dataclass(frozen=True)
class Lidar:
    """A lidar of 16 rings from -15 to 15 degrees, 1 m above the floor: 2 cm of noise."""

    columns: int = 900
    rings: int = 16
    noise_m: float = 0.02
    lost: float = 0.01

    def cloud(
        self, rng: np.random.Generator, people: Sequence[tuple[float, float]] = ()
    ) -> NDArray[np.float32]:
        """Points [rings * columns, 3] [m]; those without a return are NaN."""
        bearings = np.linspace(-math.pi, math.pi, self.columns, endpoint=False)
        elevations = np.radians(np.linspace(-15.0, 15.0, self.rings))[:, None]
        pillars = [*PILLARS, *((x, y, PERSON_M) for x, y in people)]
        away = distances(bearings, pillars) / np.cos(elevations)
        floor = np.where(elevations < 0.0, -1.0 / np.sin(np.minimum(elevations, -1e-9)), np.inf)
        ceiling = np.where(elevations > 0.0, 1.8 / np.sin(np.maximum(elevations, 1e-9)), np.inf)
        away = np.minimum(away, np.minimum(floor, ceiling))
        away = away + rng.normal(0.0, self.noise_m, away.shape)
        away[rng.random(away.shape) < self.lost] = np.nan
        flat = away * np.cos(elevations)
        points = (flat * np.cos(bearings), flat * np.sin(bearings), away * np.sin(elevations))
        return np.stack(points, axis=-1).reshape(-1, 3).astype(np.float32)


@dataclass(frozen=True)
class Motion:
    """One odometry sample of a wheeled robot: see `odometry`."""

    stamp_ns: int
    position: tuple[float, float, float]
    quaternion: tuple[float, float, float, float]
    linear: tuple[float, float, float]
    angular: tuple[float, float, float]


def odometry(
    rng: np.random.Generator,
    duration_s: float,
    speed: float = 0.5,
    slips_at_s: float = math.inf,
    bumps_at_s: float = math.inf,
    rate_hz: float = 50.0,
) -> Iterator[Motion]:
    """A robot that drives a wide circle; the pose is fused, the twist is that of its wheels.

    From `slips_at_s` on the wheels turn half as fast again for 0.5 s while the robot slows down to
    a half; at `bumps_at_s` something stops it within 60 ms. Noise: 3 mm/s, 3 mrad/s, 1 mm.
    """
    x = y = yaw = 0.0
    step_s = 1.0 / rate_hz
    for index in range(round(duration_s * rate_hz)):
        time_s = index * step_s
        slipping = slips_at_s <= time_s < slips_at_s + 0.5
        wheels = speed * (1.5 if slipping else 1.0)
        real = speed * (0.5 if slipping else 1.0)
        turning = 0.2 if speed else 0.0
        if time_s >= bumps_at_s:
            wheels = real = speed * max(1.0 - (time_s - bumps_at_s) / 0.06, 0.0)
            turning *= real / speed
        yaw += turning * step_s
        x += real * math.cos(yaw) * step_s
        y += real * math.sin(yaw) * step_s
        place, noise = rng.normal(0.0, 0.001, 2), rng.normal(0.0, 0.003, 2)
        yield Motion(
            START_NS + round(time_s * S),
            (x + place[0], y + place[1], 0.0),
            (0.0, 0.0, math.sin(yaw / 2.0), math.cos(yaw / 2.0)),
            (wheels + noise[0], 0.0, 0.0),
            (0.0, 0.0, turning + noise[1]),
        )


def battery_voltage(rng: np.random.Generator, charge: float, current: float) -> float:
    """A lithium battery of four cells: 60 mOhm inside, 5 mV of noise; `current` is negative."""
    open_circuit = 4.0 * (3.3 + 0.7 * charge + 0.15 * math.sin(math.pi * charge))
    return open_circuit + 0.06 * current + rng.normal(0.0, 0.005)
