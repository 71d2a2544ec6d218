"""One camera."""

from __future__ import annotations

from typing import Any

from sage_common.ros.images import compressed_to_rgb, image_to_rgb
from sage_common.ros.process import run_node
from sage_common.ros.stamps import stamp_ns
from sage_sensors.backends import catalogue
from sage_sensors.core.samples import Device, Frame, Stamped, Track
from sage_sensors.nodes.sensor_node import SensorNode
from sage_sensors.params import CameraParameters
from sage_sensors.publishers.camera import CameraPublisher


class CameraNode(SensorNode):
    """Publishes the frames of one camera, a video file, another node's images, or a pattern."""

    default_name = "camera"
    parameters_type = CameraParameters
    hardware = "v4l2"

    def make_stream(self) -> CameraPublisher:
        p = self.parameters
        return CameraPublisher(self, p.name, p.frame_id, p.jpeg_quality)

    def make_source(self, backend: str) -> Track[Frame] | Device[Frame]:
        return catalogue.camera(backend, self.parameters, self.clock)

    def subscribe_source(self, topic: str) -> None:
        if topic.endswith("compressed"):
            self.subscribe_foreign(topic, "sensor_msgs/msg/CompressedImage", self._on_compressed)
        else:
            self.subscribe_foreign(topic, "sensor_msgs/msg/Image", self._on_image)

    def _on_image(self, message: Any) -> None:
        self._pass_on(message, Frame(image_to_rgb(message)))

    def _on_compressed(self, message: Any) -> None:
        self._worker.submit(lambda: self._pass_on(message, Frame(compressed_to_rgb(message))))

    def _pass_on(self, message: Any, frame: Frame) -> None:
        if not self.parameters.frame_id and message.header.frame_id:
            self._stream.frame_id = message.header.frame_id
        self._stream.deliver(Stamped(stamp_ns(message.header.stamp), frame))


def main() -> None:
    run_node(CameraNode)
