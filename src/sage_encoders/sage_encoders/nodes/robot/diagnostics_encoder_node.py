"""The health of a robot's parts as puzzles."""

from __future__ import annotations

from typing import Any

from sage_encoders.core.robot.diagnostics import DiagnosticsEncoder, Status
from sage_encoders.modalities import DIAGNOSTICS
from sage_encoders.nodes.robot.robot_encoder_node import CollectingEncoderNode
from sage_encoders.params import DiagnosticsEncoderParameters


class DiagnosticsEncoderNode(CollectingEncoderNode):
    """Encodes what all parts report."""

    default_name = "diagnostics_encoder"
    parameters_type = DiagnosticsEncoderParameters
    spec = DIAGNOSTICS
    qos = "standard"
    _collector: DiagnosticsEncoder

    def make_collector(self) -> DiagnosticsEncoder:
        p = self.parameters
        return DiagnosticsEncoder(p.modality, p.modality, p.stale_s)

    def collect(self, stamp: int, message: Any) -> bool:
        ignored = tuple(self.parameters.ignored)
        found = [Status(s.name, s.level[0], s.message) for s in message.status]
        reports = [status for status in found if not status.name.startswith(ignored)]
        if found and not reports:
            return False
        self._collector.add(stamp, reports)
        self.diagnose(parts=self._collector.parts)
        return True
