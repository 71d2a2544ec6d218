"""One inertial measurement unit."""

from __future__ import annotations

from sage_sensors.backends import catalogue
from sage_sensors.core.samples import Device, Inertial, Track
from sage_sensors.nodes.sensor_node import SensorNode
from sage_sensors.params import ImuParameters
from sage_sensors.publishers.imu import ImuPublisher


class ImuNode(SensorNode):
    """Publishes the readings of one IMU, a CSV file, another node's messages, or a signal."""

    default_name = "imu"
    parameters_type = ImuParameters
    hardware = "iio"

    def make_stream(self) -> ImuPublisher:
        p = self.parameters
        return ImuPublisher(self, p.name, p.frame_id, p.gyro_std_rad_s, p.accel_std_m_s2)

    def make_source(self, backend: str) -> Track[Inertial] | Device[Inertial]:
        return catalogue.imu(backend, self.parameters, self.clock)

    def subscribe_source(self, topic: str) -> None:
        stream: ImuPublisher = self._stream  # type: ignore[assignment]
        self.subscribe_foreign(topic, "sensor_msgs/msg/Imu", stream.forward)
