"""Orientation from gyroscope and accelerometer, by the `imufusion` library (x-io Technologies)."""

from __future__ import annotations

import imufusion
import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.inertial_table import STANDARD_GRAVITY
from sage_sensors.core.samples import Inertial

# Longer without a reading, and what is known of the orientation is gone.
LONGEST_GAP_S = 1.0
REJECTION_DEG = 10.0
REJECTION_S = 5.0
SMALLEST_TILT_STD_RAD = np.radians(0.5)
# Nothing is known about the heading: a uniform distribution over the circle.
HEADING_VARIANCE = (2.0 * np.pi) ** 2 / 12.0


class OrientationFilter:
    """Keeps the orientation of one IMU; a complementary filter with gyroscope integration.

    Roll and pitch are held by gravity. The heading starts at zero and drifts: nothing here
    measures it.

    Args:
        rate_hz: readings per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._filter = imufusion.Ahrs()
        settings = imufusion.AhrsSettings()
        settings.convention = imufusion.CONVENTION_ENU
        settings.acceleration_rejection = REJECTION_DEG
        settings.rejection_timeout = round(REJECTION_S * rate_hz)
        settings.sample_rate = rate_hz
        self._filter.set_settings(settings)
        self._last_ns: int | None = None

    @property
    def begun(self) -> bool:
        """Whether it has taken a reading."""
        return self._last_ns is not None

    def update(
        self, stamp_ns: int, reading: Inertial
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Quaternion [4] (w, x, y, z) and covariance [3, 3] in rad^2 about x, y, z.

        None while the filter settles (the first 3 s, and after a gap of more than 1 s).
        """
        gap_s = 0.0 if self._last_ns is None else (stamp_ns - self._last_ns) / NS_PER_S
        self._last_ns = stamp_ns
        if not 0.0 < gap_s <= LONGEST_GAP_S:
            self._filter.restart()
            return None
        self._filter.set_sample_period(gap_s)
        self._filter.update_no_magnetometer(
            np.degrees(reading.angular_velocity), reading.linear_acceleration / STANDARD_GRAVITY
        )
        if self._filter.get_flags().startup:
            return None
        error_rad = np.radians(self._filter.get_internal_states().acceleration_error)
        tilt = max(error_rad, SMALLEST_TILT_STD_RAD) ** 2
        return np.array(self._filter.get_quaternion()), np.diag([tilt, tilt, HEADING_VARIANCE])
