"""Pictures: lent, raw and JPEG while somebody subscribes, and one CameraInfo for each frame."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from sage_common.ros.conversions.images import array_to_image, rgb_to_compressed
from sage_common.ros.node import SageNode
from sage_sensors.core.samples import Frame, blank_frame
from sage_sensors.publishers.stream import StreamPublisher

JPEG_QUEUE = 2


class CameraPublisher(StreamPublisher[Frame]):
    """Publishes camera/<name>/tensor, image_raw, image_raw/compressed and camera_info.

    The CameraInfo states size and time; its calibration is unknown (K[0] = 0).

    Args:
        node: the node that it publishes for.
        name: of the camera.
        frame_id: TF frame; empty: camera_<name>_optical_frame (REP-103, REP-105).
        jpeg_quality: 1..100.
    """

    kind: ClassVar[str] = "camera"

    def __init__(self, node: SageNode, name: str, frame_id: str, jpeg_quality: int) -> None:
        super().__init__(node, frame_id or f"camera_{name}_optical_frame")
        self._tensors = node.tensor_publisher("camera/tensor", name=name)
        self._raw = node.publisher("camera/image_raw", name=name)
        self._compressed = node.publisher("camera/compressed", name=name)
        self._info = node.publisher("camera/info", name=name)
        self._jpeg = node.worker("jpeg", JPEG_QUEUE)
        self._quality = jpeg_quality

    def canvas(self, height_px: int, width_px: int) -> Frame:
        """A frame to draw into: in memory that readers see, if somebody wants it."""
        slot = self._tensors.allocate((height_px, width_px, 3), np.uint8)
        return blank_frame(height_px, width_px) if slot is None else Frame(slot.array, slot)

    def send(self, value: Frame, header: Header) -> None:
        height, width = value.pixels.shape[:2]
        if self._raw.subscriber_count:
            self._raw.publish(array_to_image(value.pixels, "rgb8", header))
        has_jpeg = self._compressed.subscriber_count > 0
        # Once it is handed over, a slot may be written anew at any time.
        pixels = value.pixels.copy() if has_jpeg and value.slot is not None else value.pixels
        self._tensors.publish(value.pixels, header, value.slot)
        self._info.publish(CameraInfo(header=header, height=height, width=width))
        if has_jpeg:
            self._jpeg.submit(self._send_compressed, pixels, header)

    def _send_compressed(self, pixels: NDArray[np.uint8], header: Header) -> None:
        self._compressed.publish(rgb_to_compressed(pixels, header, self._quality))
