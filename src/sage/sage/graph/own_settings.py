"""What modalities of the user's own change in the other nodes, and what was asked for in vain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sage.graph.own_modalities import OwnModality
from sage_common.core.parameters import NodeParameters, specs

LISTS = "modalities"
SENSORS = "own_sensors"


class Node(Protocol):
    """What a warning needs of a node."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def parameters(self) -> Mapping[str, Any]: ...


def of_own(
    modalities: tuple[OwnModality, ...], parameters_type: type[NodeParameters]
) -> dict[str, Any]:
    """Parameters of a node of SAGE: its list of modalities grows, and memory gets their sensors."""
    defaults = {spec.name: spec.default for spec in specs(parameters_type)}
    values: dict[str, Any] = {}
    usual = defaults.get(LISTS)
    if modalities and isinstance(usual, tuple):
        values[LISTS] = (*usual, *(modality.name for modality in modalities))
    sensors = tuple(f"{m.name} {m.topic} {m.type}" for m in modalities if m.is_stamped)
    if sensors and SENSORS in defaults:
        values[SENSORS] = sensors
    return values


def unfed(nodes: Iterable[Node]) -> tuple[str, ...]:
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
