"""Point clouds as puzzles."""

from __future__ import annotations

from typing import Any

import numpy as np
from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import stamp_ns
from sage_encoders.core.robot.point_fields import CloudLayout, PointField
from sage_encoders.core.robot.range_image import PointCloudEncoder, Points
from sage_encoders.modalities import CLOUD
from sage_encoders.nodes.robot.robot_encoder_node import RobotEncoderNode
from sage_encoders.params import PointCloudEncoderParameters


class PointCloudEncoderNode(RobotEncoderNode):
    """Encodes the newest cloud; while one is encoded, older ones make room."""

    default_name = "cloud_encoder"
    parameters_type = PointCloudEncoderParameters
    spec = CLOUD

    def on_configure(self) -> None:
        super().on_configure()
        self._worker = self.worker("encode")

    def on_activate(self) -> None:
        modality = self.parameters.modality
        self._encoder = PointCloudEncoder(modality, modality, self.parameters.ignored_m)
        self.diagnose(dropped=0)

    def on_message(self, message: Any) -> None:
        began_ns = self.stopwatch_ns()
        points = layout_of(message).coordinates(np.frombuffer(message.data, np.uint8))
        self._worker.submit(self._encode, points, message.header, began_ns)

    def _encode(self, points: Points, header: Header, began_ns: int) -> None:
        optical = self._is_optical(header.frame_id)
        percept = self._encoder.encode(stamp_ns(header.stamp), points, optical)
        self.publish_percept(percept, header, began_ns)
        self.diagnose(dropped=self._worker.dropped, points=points.shape[1])

    def _is_optical(self, frame_id: str) -> bool:
        """Whether axes are those of a camera; by REP-103 the names of such frames say so."""
        if self.parameters.axes != "auto":
            return bool(self.parameters.axes == "optical")
        return frame_id.removesuffix("_frame").endswith("_optical")


def layout_of(message: Any) -> CloudLayout:
    """How the points of a `sensor_msgs/PointCloud2` lie in its bytes."""
    return CloudLayout(
        message.height,
        message.width,
        tuple(PointField(f.name, f.offset, f.datatype, f.count) for f in message.fields),
        message.point_step,
        message.row_step,
        message.is_bigendian,
    )
