"""The newest that was seen of a running graph, from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sage.observe.counters import Counters
from sage.observe.transports import transports
from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import node_name, read_status
from sage_common.core.diagnosis.root_causes import Cause, root_causes
from sage_common.core.specs.modality import usual_modalities
from sage_common.core.words.mixed import STARTED


@dataclass
class Latest:
    """The newest message of each kind, for display.

    Attributes:
        diagnostics: status by full name of the node.
        counters: what the nodes have counted.
        reported_s: when the last status of each node came, by full name [s, monotonic].
        active_s: when each node last reported that it is active [s, monotonic].
        ended: gives the processes of the graph that are not back, as its run says.
        modalities: of the graph, in the order of lists.
        warnings: what does not work as it was asked for, as its run says.
    """

    saliences: dict[str, Any] = field(default_factory=dict)
    puzzles: dict[str, Any] = field(default_factory=dict)
    fused: Any = None
    budget: Any = None
    state: Any = None
    attention: Any = None
    refinements: dict[str, Any] = field(default_factory=dict)
    experiences: list[Any] = field(default_factory=list)
    diagnostics: dict[str, Any] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)
    reported_s: dict[str, float] = field(default_factory=dict)
    active_s: dict[str, float] = field(default_factory=dict)
    ended: Callable[[], tuple[Ended, ...]] = tuple
    modalities: tuple[str, ...] = field(default_factory=usual_modalities)
    warnings: tuple[str, ...] = ()

    def statuses(self) -> list[Any]:
        """The newest status of each node; others come while the list is read."""
        return list(self.diagnostics.values())

    def causes(self) -> list[Cause]:
        """What is wrong with the graph, each cause with what follows from it."""
        now_s, statuses = time.monotonic(), self.statuses()
        silent_s = {node_name(s): now_s - self.reported_s.get(s.name, now_s) for s in statuses}
        return root_causes(map(read_status, statuses), silent_s, self.ended())

    def composition_started_ns(self) -> int:
        """When the composition that is played began [ns]; 0: none is, or it is not known yet."""
        values = (item for status in self.statuses() for item in status.values)
        return next((int(item.value) for item in values if item.key == STARTED), 0)

    def transports(self) -> dict[str, dict[str, Any]]:
        """Ways of pictures and tiles; see `sage.observe.transports`."""
        return transports(self.statuses(), self.counters)
