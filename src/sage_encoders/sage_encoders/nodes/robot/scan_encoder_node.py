"""Laser scans as puzzles."""

from __future__ import annotations

from typing import Any

import numpy as np

from sage_common.ros.conversions.stamps import stamp_ns
from sage_encoders.core.robot.laser_scan import LaserScanEncoder
from sage_encoders.modalities import SCAN
from sage_encoders.nodes.robot.robot_encoder_node import RobotEncoderNode
from sage_encoders.params import LaserScanEncoderParameters


class LaserScanEncoderNode(RobotEncoderNode):
    """Encodes every scan."""

    default_name = "scan_encoder"
    parameters_type = LaserScanEncoderParameters
    spec = SCAN

    def on_activate(self) -> None:
        modality = self.parameters.modality
        self._encoder = LaserScanEncoder(modality, modality)

    def on_message(self, message: Any) -> None:
        began_ns = self.stopwatch_ns()
        percept = self._encoder.encode(
            stamp_ns(message.header.stamp),
            np.frombuffer(message.ranges, np.float32),
            (message.angle_min, message.angle_increment),
            (message.range_min, message.range_max),
        )
        self.publish_percept(percept, message.header, began_ns)
