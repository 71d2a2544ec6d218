"""Which way is up, from an accelerometer and a gyroscope: a complementary filter."""

from __future__ import annotations

import math

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful

GRAVITY = 9.80665
TIME_CONSTANT_S = 1.0
CREDIBLE = 3.0


class TiltFilter(Stateful):
    """Follows the direction of "up" in the sensor's frame (Mahony et al. 2008, without bias).

    The gyroscope turns it; the accelerometer pulls it back within about a second, but only while
    its magnitude is within 3 m/s^2 of gravity, that is while it does not measure a push.
    """

    _up: State[tuple[float, float, float] | None] = None

    def reset(self) -> None:
        """Forget the direction, as after a gap."""
        self._up = None

    def update(
        self, interval_s: float, rate: tuple[float, ...], acceleration: tuple[float, ...]
    ) -> tuple[float, float]:
        """Take one sample.

        Args:
            interval_s: time since the last sample.
            rate: angular rate x, y, z [rad/s].
            acceleration: specific force x, y, z [m/s^2]; +g along the axis that points up at rest.

        Returns:
            roll and pitch [rad], REP-103; NaN while nothing is known (free fall from the start).
        """
        magnitude = math.hypot(*acceleration)
        if self._up is None:
            if abs(magnitude - GRAVITY) > CREDIBLE:
                return math.nan, math.nan
            self._up = _unit(*acceleration)
        x, y, z = self._up
        p, q, r = rate
        x, y, z = (
            x + interval_s * (r * y - q * z),
            y + interval_s * (p * z - r * x),
            z + interval_s * (q * x - p * y),
        )
        if abs(magnitude - GRAVITY) < CREDIBLE:
            pull = min(interval_s / TIME_CONSTANT_S, 1.0)
            ax, ay, az = (component / magnitude for component in acceleration)
            x, y, z = x + pull * (ax - x), y + pull * (ay - y), z + pull * (az - z)
        self._up = _unit(x, y, z)
        x, y, z = self._up
        return math.atan2(y, z), math.atan2(-x, math.hypot(y, z))


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = math.hypot(x, y, z)
    return (x / length, y / length, z / length) if length > 1e-9 else (0.0, 0.0, 1.0)


def euler(x: float, y: float, z: float, w: float) -> tuple[float, float, float]:
    """Roll, pitch and yaw [rad] of a quaternion of about unit length (REP-103, ZYX)."""
    norm = math.hypot(x, y, z, w)
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    return (
        math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)),
        math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x)))),
        math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
    )
