"""A graph in lock-step, suspended between two events, to be resumed at the same instant.

`run_until` leaves nothing under way: messages are delivered at the time at which they are
published, workers run inline, and only timers are still to come.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from sage_common.core.errors import CannotContinue
from sage_common.core.state.arrays import nest, section_of
from sage_common.core.state.fields import State
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_common.core.state.stateful import Stateful
from sage_common.ros.lockstep.host import Delivered, LockstepHost
from sage_common.ros.lockstep.node import TIMER_LABEL

FORMAT = "2"
"""1 packed by hand; such a run is played again from its bag."""


@dataclass
class Instant(Stateful):
    """What is the graph's and no node's: the time, and the latched messages by topic and node."""

    clock_ns: State[int] = 0
    latched: State[list[tuple[str, str, Delivered]]] = field(default_factory=list)

    @classmethod
    def of(cls, snapshot: Mapping[str, NDArray[Any]]) -> Instant:
        """That of a snapshot.

        Raises:
            InvalidInput: it is none.
        """
        instant = cls()
        instant.restore(section_of(snapshot, "graph"))
        return instant


def snapshot_of(graph: LockstepHost) -> dict[str, NDArray[Any]]:
    """All that later outputs depend on; see `resume`.

    Raises:
        CannotContinue: a node is not active, or holds what cannot be written down, or a message
            is still to come.
    """
    coming = sum(not label.startswith(TIMER_LABEL) for _, label, _, _ in graph.events)
    if coming:
        raise CannotContinue(f"{coming} messages are still to come")
    instant = Instant(graph.clock.now_ns(), graph.latched.state())
    state = nest("graph", instant.state())
    for node, host in zip(graph.nodes, graph.node_hosts, strict=True):
        if not node.active:
            raise CannotContinue(f"{node.name} is not active")
        try:
            state.update(nest(f"node {node.name}", node.snapshot()))
        except CannotContinue as error:
            raise CannotContinue(f"{node.name}: {error}") from error
        state.update(nest(f"host {node.name}", pack(host)))
    return state


def identity_of(graph: LockstepHost) -> dict[str, str]:
    """Whose snapshot it is: the nodes, and what the state of each depends on."""
    nodes = {node.name: json.dumps(node.identity(), sort_keys=True) for node in graph.nodes}
    kind = {"kind": "graph in lock-step", "format": FORMAT}
    return {**kind, "namespace": graph.namespace, **nodes}


def resume(graph: LockstepHost, snapshot: Mapping[str, NDArray[Any]]) -> None:
    """Continue from `snapshot_of` a graph of the same nodes, at the same simulated time.

    The nodes were added while `graph.preparing()`. What then comes out is, bit for bit, what
    would have come out without the break.

    Raises:
        ValueError: it is of other nodes.
    """
    graph.events.clear()
    for node, host in zip(graph.nodes, graph.node_hosts, strict=True):
        node.resume(section_of(snapshot, f"node {node.name}"))
        unpack(host, section_of(snapshot, f"host {node.name}"))
    timers = [timer for host in graph.node_hosts for timer in host.timers]
    for timer in sorted(timers, key=lambda item: item.sequence):
        timer.arm_again()
    graph.latched.restore(Instant.of(snapshot).latched)
