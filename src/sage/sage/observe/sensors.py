"""What the sensor nodes of a running graph tell of what stands behind them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sage.graph.description import Graph
from sage.observe.counters import node_name
from sage.sources.sensor_plan import STREAMS
from sage_sensors.core.samples import ABSENT

_BACKEND = " backend"


def backends(graph: Graph, statuses: Iterable[Any]) -> dict[str, str]:
    """For each stream, what stands behind it: as its node tells, else as it was planned."""
    found = dict(graph.backends)
    for told in _told(graph, statuses).values():
        found.update(told)
    return found


def all_absent(graph: Graph, statuses: Iterable[Any]) -> list[str]:
    """Each sensor and where it was looked for, if the graph has sensor nodes and none has one."""
    told = _told(graph, statuses)
    lines = []
    for node in _sensor_nodes(graph):
        streams = told.get(node, {})
        if not streams or not all(backend.startswith(ABSENT) for backend in streams.values()):
            return []
        lines += [f"{stream} {backend}" for stream, backend in streams.items()]
    return lines


def _told(graph: Graph, statuses: Iterable[Any]) -> dict[str, dict[str, str]]:
    """Backends by stream, by node."""
    nodes = _sensor_nodes(graph)
    by_stream = {stream + _BACKEND: stream for stream in STREAMS}
    return {
        node_name(status): {
            by_stream[item.key]: item.value
            for item in status.values
            if item.key in by_stream and item.value
        }
        for status in statuses
        if node_name(status) in nodes
    }


def _sensor_nodes(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if node.type.package == "sage_sensors"]
