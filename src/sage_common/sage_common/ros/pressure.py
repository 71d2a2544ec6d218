"""What a node could give back when memory is tight, and that it is asked to."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sage_common.allocator import return_freed_memory
from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.host import Worker
from sage_msgs.msg import ReclaimableMemory

if TYPE_CHECKING:
    from sage_common.ros.connections import Connections

LIST_RECLAIMABLES = "~/reclaimables"
_LISTENERS: WeakSet[PressureListener] = WeakSet()
"""Those of this process."""


class Cost(IntEnum):
    """What it costs to give something back; the cheapest is asked first."""

    REFILL = 0
    """It fills again by itself, and answers meanwhile know less of the past."""
    RELOAD = 1
    """It is loaded again when it is needed, which is late by as much."""
    DEGRADE = 2
    """What is made meanwhile is coarser."""
    LOSS = 3
    """It is gone."""


@dataclass(frozen=True)
class Reclaimable:
    """Something that a node could give back.

    Attributes:
        name: for /diagnostics.
        cost: of giving it back.
        held_bytes: how much it holds now.
        relieve: called with the level, green included, on a worker: holds less the higher it
            is, and again as much as it likes at green.
        kept_bytes: what of `held_bytes` would stay at the highest level.
    """

    name: str
    cost: Cost
    held_bytes: Callable[[], int]
    relieve: Callable[[int], None]
    kept_bytes: Callable[[], int] = int

    def relieve_at(self, level: int, reclaim_level: int) -> None:
        """Ask it: what comes back by itself at `reclaim_level`, the rest at `level`."""
        comes_back = self.cost <= Cost.RELOAD
        self.relieve(max(level, reclaim_level) if comes_back else level)


class PressureListener(Stateful):
    """Asks all that a node has registered to give back, the cheapest first.

    Args:
        node: whose they are.

    Attributes:
        level: of pressure, as it was last published.
        reclaim_level: at which caches and models are given back.
    """

    level: State[int] = int(PressureLevel.GREEN)
    reclaim_level: State[int] = int(PressureLevel.GREEN)
    _given_bytes: State[dict[str, int]]
    _peak_bytes: State[dict[str, int]]

    def __init__(self, node: Connections) -> None:
        self._node = node
        self._items: list[Reclaimable] = []
        self._given_bytes = {}
        self._peak_bytes = {}
        self._worker: Worker | None = None
        self._topic = ""

    def clear(self) -> None:
        """Forget what was registered; the node is configured anew."""
        self._items.clear()
        self._topic = ""
        self._worker = None

    def hears(self, topic: str) -> bool:
        """Whether it listens, and to this topic."""
        return self._topic == topic

    def add(self, item: Reclaimable) -> None:
        """Register something; while the node is configured."""
        self._items.append(item)
        self._items.sort(key=lambda item: item.cost)

    def listen(self) -> None:
        """Hear of pressure, if there is something to give back."""
        if self._items:
            self._worker = self._node.worker("reclaim")
            self._topic = self._node.subscribe("pressure", self.take).topic
            _LISTENERS.add(self)
            self._node.service(LIST_RECLAIMABLES, self._list)

    def activated(self) -> None:
        """Ask what was made at this activation, which knows of no pressure."""
        if self._is_tight():
            self._ask()

    def deactivated(self) -> None:
        """Under pressure, what the node held goes back to the system, and not to the allocator."""
        if self._is_tight() and self._node.time_is_measured:
            return_freed_memory()

    def resumed(self) -> None:
        """All of them hold as much as they may at the level of the run that goes on."""
        if self._is_tight():
            for item in self._items:
                item.relieve_at(self.level, self.reclaim_level)

    def take(self, message: Any) -> None:
        """Ask for what a message of the governor calls for; from any thread, and at once."""
        before = (self.level, self.reclaim_level)
        self.level, self.reclaim_level = message.level, message.reclaim_level
        if self._is_tight() or before != (self.level, self.reclaim_level):
            self._ask()

    def _is_tight(self) -> bool:
        return max(self.level, self.reclaim_level) > PressureLevel.GREEN

    def _ask(self) -> None:
        if self._worker is not None:
            self._worker.submit(self._relieve)

    def _relieve(self) -> None:
        if not self._node.active:
            return
        for item in self._items:
            self._given_bytes.setdefault(item.name, 0)
            try:
                before = self._held_bytes(item)
                item.relieve_at(self.level, self.reclaim_level)
                self._given_bytes[item.name] += max(before - self._held_bytes(item), 0)
            except Exception as error:  # noqa: BLE001 - the others are asked nevertheless
                self._node.report_failure(error)
        if self._is_tight() and self._node.time_is_measured:
            return_freed_memory()
        given_mb = {
            f"given back: {name} [MB]": f"{given / 2**20:.1f}"
            for name, given in self._given_bytes.items()
        }
        self._node.diagnose(pressure=PressureLevel(self.level).word, **given_mb)

    def _held_bytes(self, item: Reclaimable) -> int:
        held = item.held_bytes()
        self._peak_bytes[item.name] = max(self._peak_bytes.get(item.name, 0), held)
        return held

    def _list(self, request: Any, response: Any) -> Any:
        response.pid = os.getpid() if self._node.time_is_measured else 0
        response.reclaimables = [self._entry(item) for item in self._items]
        response.success = True
        return response

    def _entry(self, item: Reclaimable) -> ReclaimableMemory:
        held = self._held_bytes(item)
        return ReclaimableMemory(
            name=item.name,
            cost=item.cost.name.lower(),
            held_bytes=held,
            peak_bytes=self._peak_bytes[item.name],
            kept_bytes=min(item.kept_bytes(), held),
            given_bytes=self._given_bytes.get(item.name, 0),
        )


def announce(topic: str, message: Any) -> None:
    """Tell the nodes of this process at once, past the executor.

    Where the processor is crowded it is seconds behind, and memory would be given back too late.
    They get the same message by the topic afterwards, as those of other processes do.

    Args:
        topic: full name of the topic `pressure`.
        message: that is published there next.
    """
    for listener in tuple(_LISTENERS):
        if listener.hears(topic):
            listener.take(message)
