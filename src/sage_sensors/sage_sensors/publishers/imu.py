"""Readings of an IMU with the orientation that follows from them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from geometry_msgs.msg import Quaternion, Vector3
from numpy.typing import NDArray
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from sage_common.core.errors import CannotContinue
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_sensors.backends.orientation import OrientationFilter
from sage_sensors.core.samples import Inertial
from sage_sensors.publishers.stream import StreamPublisher

UNKNOWN_RATE_HZ = 100.0


class ImuPublisher(StreamPublisher[Inertial]):
    """Publishes imu/<name>/data in REP-145 frames.

    Orientation comes from the source or else from `OrientationFilter`; while it is unknown
    orientation_covariance[0] is -1. Covariances of rates and accelerations are all zero, which
    the message defines as unknown, unless their standard deviations are given.

    Args:
        node: the node that it publishes for.
        name: of the IMU.
        frame_id: TF frame; empty: imu_link.
        gyro_std_rad_s, accel_std_m_s2: noise of one reading; 0: unknown.
    """

    kind: ClassVar[str] = "imu"

    def __init__(
        self,
        node: SageNode,
        name: str,
        frame_id: str,
        gyro_std_rad_s: float = 0.0,
        accel_std_m_s2: float = 0.0,
    ) -> None:
        super().__init__(node, frame_id or "imu_link")
        self._data = node.publisher("imu/data", name=name)
        self._gyro_covariance = (np.eye(3) * gyro_std_rad_s**2).ravel()
        self._accel_covariance = (np.eye(3) * accel_std_m_s2**2).ravel()
        self._orientation = OrientationFilter(UNKNOWN_RATE_HZ)

    def begin(self, backend: str, period_s: float) -> None:
        super().begin(backend, period_s)
        self._orientation = OrientationFilter(1.0 / period_s if period_s else UNKNOWN_RATE_HZ)

    def send(self, value: Inertial, header: Header) -> None:
        message = Imu(header=header)
        message.angular_velocity = _vector(value.angular_velocity)
        message.linear_acceleration = _vector(value.linear_acceleration)
        message.angular_velocity_covariance = self._gyro_covariance
        message.linear_acceleration_covariance = self._accel_covariance
        if value.orientation is not None:
            message.orientation = _quaternion(value.orientation)
        else:
            self._orient(message, value)
        self._data.publish(message)

    def check_can_suspend(self) -> None:
        if self._orientation.begun:
            raise CannotContinue(
                f"the orientation of {self._data.topic} is kept by a library that does not give it "
                "away; a bag that SAGE recorded has it already"
            )

    def forward(self, message: Imu) -> None:
        """Publish another node's message, its covariances too; orientation is added if unknown."""
        rates, acceleration = message.angular_velocity, message.linear_acceleration
        value = Inertial(
            np.array([rates.x, rates.y, rates.z]),
            np.array([acceleration.x, acceleration.y, acceleration.z]),
        )
        stamp = stamp_ns(message.header.stamp)
        if not self.rate_limit.admits(stamp):
            return
        self._monitor.observe(stamp, value.fingerprint())
        if message.orientation_covariance[0] == -1.0:
            self._orient(message, value)
        self._data.publish(message)

    def _orient(self, message: Imu, value: Inertial) -> None:
        known = self._orientation.update(stamp_ns(message.header.stamp), value)
        if known is None:
            message.orientation_covariance = np.array([-1.0, *np.zeros(8)])
            return
        message.orientation = _quaternion(known[0])
        message.orientation_covariance = known[1].ravel()


def _vector(values: NDArray[np.float64]) -> Vector3:
    x, y, z = values.tolist()
    return Vector3(x=x, y=y, z=z)


def _quaternion(values: NDArray[np.float64]) -> Quaternion:
    w, x, y, z = values.tolist()
    return Quaternion(w=w, x=x, y=y, z=z)
