"""A graph in lock-step, written down between two events, to be taken up at the same instant.

`run_until` leaves nothing under way: messages are delivered at the time at which they are
published, workers run inline, and only timers are still to come.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import CannotContinue
from sage_common.core.sections import blob_arrays, blobs_of, json_array, json_of, nest, section_of
from sage_common.ros.lockstep.host import Delivered, LockstepHost
from sage_common.ros.lockstep.node import TIMER_LABEL


def snapshot_of(graph: LockstepHost) -> dict[str, NDArray[Any]]:
    """All that later outputs depend on; see `take_up`.

    Raises:
        CannotContinue: a node is not active, or holds what cannot be written down, or a message
            is still to come.
    """
    coming = sum(not label.startswith(TIMER_LABEL) for _, label, _, _ in graph.events)
    if coming:
        raise CannotContinue(f"{coming} messages are still to come")
    latched = graph.latched.state()
    state: dict[str, NDArray[Any]] = {
        "clock_ns": np.array(graph.clock.now_ns(), np.int64),
        "latched": json_array([[m.time_ns, topic, m.type_name, by] for topic, by, m in latched]),
        **nest("latched", blob_arrays([item.data for *_, item in latched])),
    }
    for node, host in zip(graph.nodes, graph.node_hosts, strict=True):
        if not node.active:
            raise CannotContinue(f"{node.name} is not active")
        try:
            state.update(nest(f"node {node.name}", node.snapshot()))
        except CannotContinue as error:
            raise CannotContinue(f"{node.name}: {error}") from error
        state.update(nest(f"host {node.name}", host.state()))
    return state


def identity_of(graph: LockstepHost) -> dict[str, str]:
    """Whose snapshot it is: the nodes, and what the state of each depends on."""
    nodes = {node.name: json.dumps(node.identity(), sort_keys=True) for node in graph.nodes}
    return {"kind": "graph in lock-step", "namespace": graph.namespace, **nodes}


def take_up(graph: LockstepHost, snapshot: Mapping[str, NDArray[Any]]) -> None:
    """Continue from `snapshot_of` a graph of the same nodes, at the same simulated time.

    The nodes were added while `graph.preparing()`. What then comes out is, bit for bit, what
    would have come out without the break.

    Raises:
        KeyError, ValueError: it is of other nodes.
    """
    graph.events.clear()
    timers: list[tuple[int, Callable[[], None]]] = []
    for node, host in zip(graph.nodes, graph.node_hosts, strict=True):
        node.take_up(section_of(snapshot, f"node {node.name}"))
        timers += host.restore(section_of(snapshot, f"host {node.name}"))
    for _, arm in sorted(timers, key=lambda item: item[0]):
        arm()
    latched = []
    blobs = blobs_of(section_of(snapshot, "latched"))
    for fields, data in zip(json_of(snapshot["latched"]), blobs, strict=True):
        time_ns, name, type_name, *known = fields  # older ones do not name the publisher
        item = Delivered(time_ns, name, type_name, data)
        latched.append((name, known[0] if known else None, item))
    graph.latched.restore(latched)
