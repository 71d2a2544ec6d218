"""IMU and joints as puzzles."""

from __future__ import annotations

from typing import Any

from std_msgs.msg import Header

from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.node import SageNode
from sage_encoders.core.joints import Joints, assignments
from sage_encoders.core.proprioception import ENCODER_ID, ProprioceptionEncoder
from sage_encoders.nodes.puzzle_output import PuzzleOutput
from sage_encoders.params import ProprioceptionEncoderParameters


class ProprioceptionEncoderNode(SageNode):
    """Encodes what the body does, `rate_hz` times a second while samples arrive."""

    default_name = "proprioception_encoder"
    parameters_type = ProprioceptionEncoderParameters
    _frame_id: Transient[str]
    _encoder: Transient[ProprioceptionEncoder]

    def on_configure(self) -> None:
        parameters = self.parameters
        self._joints = Joints(assignments(parameters.joint_parts))
        self._encoder = ProprioceptionEncoder(parameters.imu, self._joints)
        self._frame_id = ""
        self._puzzles = PuzzleOutput(self, "proprioception")
        self.subscribe("imu/data", self._on_imu, name=parameters.imu)
        self.subscribe("joint_states", self._on_joints)
        self.timer(1.0 / parameters.rate_hz, self._encode)

    def on_activate(self) -> None:
        self._joints = Joints(assignments(self.parameters.joint_parts))
        self._encoder = ProprioceptionEncoder(self.parameters.imu, self._joints)
        self.diagnose(backend="numpy", provider="cpu", encoder_id=ENCODER_ID, joints=0)

    def _on_imu(self, message: Any) -> None:
        rate, force = message.angular_velocity, message.linear_acceleration
        quaternion = None
        if message.orientation_covariance[0] != -1.0:
            turn = message.orientation
            quaternion = (turn.x, turn.y, turn.z, turn.w)
        self._encoder.add_imu(
            stamp_ns(message.header.stamp),
            (rate.x, rate.y, rate.z),
            (force.x, force.y, force.z),
            quaternion,
        )
        self._frame_id = message.header.frame_id

    def _on_joints(self, message: Any) -> None:
        self._encoder.add_joints(
            stamp_ns(message.header.stamp),
            message.name,
            message.position,
            message.velocity,
            message.effort,
        )
        self.diagnose(joints=len(self._joints))

    def _encode(self) -> None:
        began_ns = self.stopwatch_ns()
        percept = self._encoder.percept()
        if percept is None:
            return
        header = Header(stamp=to_stamp(percept.stamp_ns), frame_id=self._frame_id)
        self._puzzles.publish(percept, header, self.stopwatch_ns() - began_ns)
