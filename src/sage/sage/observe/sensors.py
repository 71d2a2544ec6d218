"""Devices, files or signals behind the sensor nodes of a running graph, as they report them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sage.graph.description import Graph
from sage_common.core.diagnosis.node_status import node_name
from sage_common.core.specs.modality import STREAMS
from sage_sensors.core.samples import ABSENT

_BACKEND = " backend"


def backends(graph: Graph, statuses: Iterable[Any]) -> dict[str, str]:
    """For each stream, what stands behind it: as its node reports, else as it was planned."""
    found = dict(graph.backends)
    for by_node in _backends_by_node(graph, statuses).values():
        found.update(by_node)
    return found


def heard_backends(statuses: Iterable[Any]) -> dict[str, str]:
    """For each stream, what stands behind it, as nodes of a graph of which nothing is known say."""
    return {stream: backend for status in statuses for stream, backend in _streams(status).items()}


def all_absent(graph: Graph, statuses: Iterable[Any]) -> list[str]:
    """Each sensor and where it was looked for, if the graph has sensor nodes and none has one."""
    by_node = _backends_by_node(graph, statuses)
    lines = []
    for node in _sensor_nodes(graph):
        streams = by_node.get(node, {})
        if not streams or not all(backend.startswith(ABSENT) for backend in streams.values()):
            return []
        lines += [f"{stream} {backend}" for stream, backend in streams.items()]
    return lines


def _backends_by_node(graph: Graph, statuses: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Backends by stream, by node."""
    nodes = _sensor_nodes(graph)
    return {node_name(s): _streams(s) for s in statuses if node_name(s) in nodes}


def _streams(status: Any) -> dict[str, str]:
    by_stream = {stream + _BACKEND: stream for stream in STREAMS}
    return {
        by_stream[item.key]: item.value
        for item in status.values
        if item.key in by_stream and item.value
    }


def _sensor_nodes(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if node.type.package == "sage_sensors"]
