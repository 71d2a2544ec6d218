"""What the modalities of a graph change in its nodes, and what was asked for in vain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sage.graph.catalogue import NodeKind
from sage.graph.modalities import GraphModality, keeps_messages
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import NodeParameters, specs
from sage_common.core.specs.modality import modalities as installed

if TYPE_CHECKING:
    from sage.graph.description import NodeSpec

LISTS, PRIVATE = "modalities", "private_modalities"


def settings_of(
    modalities: Sequence[GraphModality], parameters_type: type[NodeParameters]
) -> dict[str, Any]:
    """Parameters of a node that is no encoder, where the modalities ask for other values."""
    wanted: dict[str, tuple[str, ...]] = {
        LISTS: tuple(m.name for m in modalities),
        "events": tuple(m.name for m in modalities if m.spec.is_event),
        "own_sensors": tuple(map(_sensor, filter(_has_payload, modalities))),
    }
    if not any(m.spec.stream == "camera" for m in modalities):
        wanted["cameras"] = ()
    defaults = {spec.name: spec.default for spec in specs(parameters_type)}
    known = {name: value for name, value in wanted.items() if name in defaults}
    return {name: value for name, value in known.items() if defaults[name] != value}


def instances_of(modalities: Sequence[GraphModality]) -> tuple[str, ...]:
    """The parameter `instances` of every node: those that are another of an installed one."""
    return tuple(f"{m.name} {m.like}" for m in modalities if m.like)


def encoder_parameters(modality: GraphModality, kind: NodeKind) -> dict[str, Any]:
    """What an encoder that asks is given of its modality: its sensor's topic, and its name."""
    known = {spec.name for spec in specs(kind.parameters_type())}
    values: dict[str, Any] = {}
    if modality.spec.topic and "topic" in known:
        values["topic"] = modality.spec.topic
    if "modality" in known:
        values["modality"] = modality.name
    return values


def _has_payload(modality: GraphModality) -> bool:
    return keeps_messages(modality.spec) and modality.is_stamped


def _sensor(modality: GraphModality) -> str:
    spec = modality.spec
    payload = "" if spec.payload == "message" else f" {spec.payload}"
    return f"{spec.name} {spec.topic} {spec.type}{payload}"


def check_private(nodes: Iterable[NodeSpec], modalities: Sequence[GraphModality]) -> None:
    """Refuse a private modality that nobody declares: it would protect nothing.

    Raises:
        InvalidInput: neither an installed package nor the graph has it; the known ones are named.
    """
    known = dict.fromkeys((*installed().specs, *(m.name for m in modalities)))
    for node in nodes:
        for name in node.parameters.get(PRIVATE, ()):
            if name not in known:
                expected = f"modalities that are declared: {', '.join(known)}"
                raise InvalidInput(f"{node.name}: {PRIVATE}", name, expected)


def unfed(nodes: Iterable[NodeSpec]) -> tuple[str, ...]:
    """Modalities that nodes are to work on and that no scorer of the graph is for, a line each."""
    nodes = tuple(nodes)
    scored = {node.parameters.get("modality") for node in nodes if node.kind.endswith("scorer")}
    asking: dict[str, list[str]] = {}
    for node in nodes:
        for name in node.parameters.get(LISTS, ()):
            if name not in scored:
                asking.setdefault(name, []).append(node.name)
    return tuple(
        f"{name}: no encoder or scorer of this graph is for it, though {', '.join(names)} are to "
        f"work on it; name it under graph: modalities, or run both beside the graph"
        for name, names in sorted(asking.items())
    )
