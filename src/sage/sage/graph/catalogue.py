"""Every kind of node that a graph can hold."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from sage_common.core.parameters import NodeParameters


@dataclass(frozen=True)
class NodeKind:
    """One kind of node.

    Attributes:
        package: ROS package that installs it.
        executable: its executable in that package.
        node_class: `package.module:Class` of the node.
        parameters_class: `package.module:Class` of its parameters.
    """

    package: str
    executable: str
    node_class: str
    parameters_class: str

    def parameters_type(self) -> type[NodeParameters]:
        """The dataclass of its parameters."""
        module, _, name = self.parameters_class.partition(":")
        found = getattr(importlib.import_module(module), name)
        assert issubclass(found, NodeParameters), self.parameters_class
        return found


def _kind(package: str, noun: str, class_name: str) -> NodeKind:
    return NodeKind(
        package=package,
        executable=f"{noun}_node",
        node_class=f"{package}.nodes.{noun}_node:{class_name}Node",
        parameters_class=f"{package}.params:{class_name}Parameters",
    )


CATALOGUE = {
    "recording": _kind("sage_sensors", "recording", "Recording"),
    "camera": _kind("sage_sensors", "camera", "Camera"),
    "microphone": _kind("sage_sensors", "microphone", "Microphone"),
    "imu": _kind("sage_sensors", "imu", "Imu"),
    "text": _kind("sage_sensors", "text", "Text"),
    "vision_encoder": _kind("sage_encoders", "vision_encoder", "VisionEncoder"),
    "audio_encoder": _kind("sage_encoders", "audio_encoder", "AudioEncoder"),
    "language_encoder": _kind("sage_encoders", "language_encoder", "LanguageEncoder"),
    "proprioception_encoder": _kind(
        "sage_encoders", "proprioception_encoder", "ProprioceptionEncoder"
    ),
    "scorer": _kind("sage_snarc", "scorer", "Scorer"),
    "vector_scorer": _kind("sage_snarc", "vector_scorer", "VectorScorer"),
    "fusion": _kind("sage_snarc", "fusion", "Fusion"),
    "attention": _kind("sage_snarc", "attention", "Attention"),
    "orchestrator": _kind("sage_orchestrator", "orchestrator", "Orchestrator"),
    "memory": _kind("sage_memory", "memory", "Memory"),
}
MODALITIES = ("vision", "audio", "proprioception", "language")
