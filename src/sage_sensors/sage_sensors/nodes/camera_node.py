"""One camera."""

from __future__ import annotations

from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import compressed_to_rgb, image_to_rgb
from sage_common.ros.conversions.stamps import stamp_ns
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
        stream: CameraPublisher = self._stream  # type: ignore[assignment]
        return catalogue.camera(backend, self.parameters, self.clock, stream.canvas)

    def frame_is_ours(self) -> bool:
        return super().frame_is_ours() or bool(self.parameters.frame_id)

    def subscribe_source(self, topic: str) -> None:
        compressed = topic.endswith("compressed")
        type_name = "sensor_msgs/msg/" + ("CompressedImage" if compressed else "Image")
        callback = self._on_compressed if compressed else self._on_image
        self._foreign = self.subscribe_foreign(topic, type_name, callback)

    def _on_image(self, message: Any) -> None:
        if self._wants(message):
            self._pass_on(message, Frame(image_to_rgb(message)))

    def _on_compressed(self, message: Any) -> None:
        if self._wants(message):
            self._worker.submit(self._decode, message)

    def _wants(self, message: Any) -> bool:
        return self._stream.rate_limit.admits(stamp_ns(message.header.stamp))

    def _decode(self, message: Any) -> None:
        try:
            self._pass_on(message, Frame(compressed_to_rgb(message)))
        except InvalidInput as fault:
            self._foreign.reject(str(fault), self.clock.now_ns())
            self.log.warning(
                f"{self._foreign.topic}: dropped a message: {fault}", throttle_s=1.0, key="decode"
            )

    def _pass_on(self, message: Any, frame: Frame) -> None:
        if not self.parameters.frame_id and message.header.frame_id:
            self._stream.frame_id = message.header.frame_id
        self._stream.deliver(Stamped(stamp_ns(message.header.stamp), frame), chosen=True)
