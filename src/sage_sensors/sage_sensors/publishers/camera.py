"""Pictures: lent, raw and JPEG while somebody subscribes, and one CameraInfo for each frame.

Under memory pressure they are smaller, and their JPEG is coarser.
"""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from sage_common.ros.conversions.images import array_to_image, rgb_to_compressed
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import Cost
from sage_sensors.core.samples import Frame, blank_frame
from sage_sensors.publishers.stream import StreamPublisher

JPEG_QUEUE = 2
SHRUNK_AT = (1, 1, 2, 2, 4)
"""By level of pressure: width and height are divided by it."""
JPEG_SHARE_AT = (1.0, 1.0, 0.8, 0.7, 0.6)
"""By level of pressure: part of the JPEG quality that was asked for."""


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
        self._pressure = 0
        self._frame_bytes = 0
        name = f"size of frames of {name}"
        node.reclaimable(name, Cost.DEGRADE, lambda: self._frame_bytes, self.relieve, self._least)

    def canvas(self, height_px: int, width_px: int) -> Frame:
        """A frame to draw into: in memory that readers see, if somebody wants it."""
        if SHRUNK_AT[self._pressure] > 1:  # what is drawn is not what is sent
            return blank_frame(height_px, width_px)
        slot = self._tensors.allocate((height_px, width_px, 3), np.uint8)
        return blank_frame(height_px, width_px) if slot is None else Frame(slot.array, slot)

    def relieve(self, level: int) -> None:
        """Send smaller frames from orange on."""
        shrunk = SHRUNK_AT[level] / SHRUNK_AT[self._pressure]
        self._pressure = level
        self._frame_bytes = round(self._frame_bytes / shrunk**2)

    def send(self, value: Frame, header: Header) -> None:
        value = self._shrunk(value)
        self._frame_bytes = value.pixels.nbytes
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
        quality = round(JPEG_SHARE_AT[self._pressure] * self._quality) or 1
        self._compressed.publish(rgb_to_compressed(pixels, header, quality))

    def _shrunk(self, value: Frame) -> Frame:
        divisor = SHRUNK_AT[self._pressure]
        height, width = (max(side // divisor, 1) for side in value.pixels.shape[:2])
        if divisor == 1:
            return value
        return Frame(cv2.resize(value.pixels, (width, height), interpolation=cv2.INTER_AREA))

    def _least(self) -> int:
        """Bytes of a frame at the highest level."""
        return round(self._frame_bytes * (SHRUNK_AT[self._pressure] / SHRUNK_AT[-1]) ** 2)
