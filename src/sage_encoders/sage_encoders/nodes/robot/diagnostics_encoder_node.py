"""The health of a robot's parts as puzzles."""

from __future__ import annotations

from typing import Any

from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.process import run_node
from sage_encoders.core.robot.diagnostics import DiagnosticsEncoder, Status
from sage_encoders.nodes.robot.robot_encoder_node import CollectingEncoderNode
from sage_encoders.params import DiagnosticsEncoderParameters


class DiagnosticsEncoderNode(CollectingEncoderNode):
    """Encodes what all parts report, at most twice a second."""

    default_name = "diagnostics_encoder"
    parameters_type = DiagnosticsEncoderParameters
    message_type = "diagnostic_msgs/msg/DiagnosticArray"
    qos = "standard"
    _collector: DiagnosticsEncoder

    def make_collector(self) -> DiagnosticsEncoder:
        parameters = self.parameters
        return DiagnosticsEncoder(parameters.modality, parameters.modality, parameters.stale_s)

    def on_message(self, message: Any) -> None:
        ignored = tuple(self.parameters.ignored)
        found = [Status(s.name, s.level[0], s.message) for s in message.status]
        reports = [status for status in found if not status.name.startswith(ignored)]
        if found and not reports:
            return
        self._collector.add(stamp_ns(message.header.stamp), reports)
        self.frame_id = message.header.frame_id
        self.diagnose(parts=self._collector.parts)


def main() -> None:
    """Run the node in a process of its own."""
    run_node(DiagnosticsEncoderNode)
