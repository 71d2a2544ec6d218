"""Every kind of node that a graph can hold."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import NodeParameters
from sage_common.core.specs.entry_points import load
from sage_common.core.specs.modality import ModalitySpec, in_order, modalities
from sage_common.ros.container import node_class

CONTAINER = "container"
"""Executable of `sage_common` that runs nodes by their classes."""


@dataclass(frozen=True)
class NodeKind:
    """One kind of node.

    Attributes:
        package: ROS package that installs it.
        executable: its executable in that package.
        node_class: `package.module:Class` of the node.
        parameters_class: `package.module:Class` of its parameters; empty: as its class says.
        sends_pictures: it publishes messages of megabytes.
    """

    package: str
    executable: str
    node_class: str
    parameters_class: str
    sends_pictures: bool = True

    @property
    def is_contained(self) -> bool:
        """Whether it has no executable of its own."""
        return self.executable == CONTAINER

    def parameters_type(self) -> type[NodeParameters]:
        """The dataclass of its parameters.

        Raises:
            InvalidInput: it cannot be imported, or is none.
        """
        if not self.parameters_class:
            return node_class(self.node_class).parameters_type
        found = load(self.parameters_class, "parameters_class")
        if not (isinstance(found, type) and issubclass(found, NodeParameters)):
            raise InvalidInput("parameters_class", self.parameters_class, "a NodeParameters")
        return found


def encoder_kind(spec: ModalitySpec) -> NodeKind:
    """The kind of node that encodes a modality."""
    if not spec.executable:
        return NodeKind("sage_common", CONTAINER, spec.encoder, "")
    package, executable = spec.executable.split("/")
    return NodeKind(package, executable, spec.encoder, spec.parameters_class, sends_pictures=False)


def _kind(package: str, noun: str, class_name: str) -> NodeKind:
    return NodeKind(
        package=package,
        executable=f"{noun}_node",
        node_class=f"{package}.nodes.{noun}_node:{class_name}Node",
        parameters_class=f"{package}.params:{class_name}Parameters",
        sends_pictures=noun in ("recording", "camera"),
    )


NODES = {
    "recording": _kind("sage_sensors", "recording", "Recording"),
    "camera": _kind("sage_sensors", "camera", "Camera"),
    "microphone": _kind("sage_sensors", "microphone", "Microphone"),
    "imu": _kind("sage_sensors", "imu", "Imu"),
    "text": _kind("sage_sensors", "text", "Text"),
    "speaker": _kind("sage_sensors", "speaker", "Speaker"),
    "scorer": _kind("sage_snarc", "scorer", "Scorer"),
    "vector_scorer": _kind("sage_snarc", "vector_scorer", "VectorScorer"),
    "fusion": _kind("sage_snarc", "fusion", "Fusion"),
    "attention": _kind("sage_snarc", "attention", "Attention"),
    "orchestrator": _kind("sage_orchestrator", "orchestrator", "Orchestrator"),
    "governor": _kind("sage_orchestrator", "governor", "Governor"),
    "gateway": _kind("sage_gateway", "gateway", "Gateway"),
    "foxglove": _kind("sage_gateway", "foxglove", "Foxglove"),
    "memory": _kind("sage_memory", "memory", "Memory"),
}
"""All that are no encoders."""
CATALOGUE = NODES | {
    f"{spec.name}_encoder": encoder_kind(spec)
    for spec in in_order(modalities().specs)
    if spec.encoder and spec.executable
}
