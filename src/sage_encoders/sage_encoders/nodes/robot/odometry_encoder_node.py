"""Odometry as puzzles."""

from __future__ import annotations

from typing import Any

from sage_encoders.core.robot.odometry import OdometryEncoder
from sage_encoders.modalities import ODOMETRY
from sage_encoders.nodes.robot.robot_encoder_node import CollectingEncoderNode
from sage_encoders.params import OdometryEncoderParameters


class OdometryEncoderNode(CollectingEncoderNode):
    """Encodes how the robot moves."""

    default_name = "odometry_encoder"
    parameters_type = OdometryEncoderParameters
    spec = ODOMETRY
    collector_type = OdometryEncoder
    _collector: OdometryEncoder

    def collect(self, stamp: int, message: Any) -> bool:
        pose, twist = message.pose.pose, message.twist.twist
        self._collector.add(
            stamp,
            (pose.position.x, pose.position.y, pose.position.z),
            (pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w),
            (twist.linear.x, twist.linear.y, twist.linear.z),
            (twist.angular.x, twist.angular.y, twist.angular.z),
        )
        return True
