"""Odometry as puzzles."""

from __future__ import annotations

from typing import Any

from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.process import run_node
from sage_encoders.core.robot.odometry import OdometryEncoder
from sage_encoders.nodes.robot.robot_encoder_node import CollectingEncoderNode
from sage_encoders.params import OdometryEncoderParameters


class OdometryEncoderNode(CollectingEncoderNode):
    """Encodes how the robot moves, 20 times a second while samples arrive."""

    default_name = "odometry_encoder"
    parameters_type = OdometryEncoderParameters
    message_type = "nav_msgs/msg/Odometry"
    _collector: OdometryEncoder

    def make_collector(self) -> OdometryEncoder:
        return OdometryEncoder(self.parameters.modality, self.parameters.modality)

    def on_message(self, message: Any) -> None:
        pose, twist = message.pose.pose, message.twist.twist
        self._collector.add(
            stamp_ns(message.header.stamp),
            (pose.position.x, pose.position.y, pose.position.z),
            (pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w),
            (twist.linear.x, twist.linear.y, twist.linear.z),
            (twist.angular.x, twist.angular.y, twist.angular.z),
        )
        self.frame_id = message.header.frame_id


def main() -> None:
    """Run the node in a process of its own."""
    run_node(OdometryEncoderNode)
