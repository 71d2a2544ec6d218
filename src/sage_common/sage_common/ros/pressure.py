"""What a node could give back when memory is tight, and that it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from sage_common.allocator import return_freed_memory
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.host import Worker

if TYPE_CHECKING:
    from sage_common.ros.connections import Connections

GREEN, YELLOW, RED = 0, 1, 2
LEVELS = ("green", "yellow", "red")
"""Of `sage_msgs/ResourcePressure`, by number."""


class Cost(IntEnum):
    """What it costs to give something back; the cheapest is asked first."""

    REFILL = 0
    """It fills again by itself, and answers meanwhile know less of the past."""
    RELOAD = 1
    """It is loaded again when it is needed, which is late by as much."""
    LOSS = 2
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
    """

    name: str
    cost: Cost
    held_bytes: Callable[[], int]
    relieve: Callable[[int], None]


class PressureListener(Stateful):
    """Asks all that a node has registered to give back, the cheapest first.

    Args:
        node: whose they are.

    Attributes:
        level: of pressure, as it was last published: green, yellow or red.
    """

    level: State[int] = GREEN
    _given_bytes: State[dict[str, int]]

    def __init__(self, node: Connections) -> None:
        self._node = node
        self._items: list[Reclaimable] = []
        self._given_bytes = {}
        self._worker: Worker | None = None

    def clear(self) -> None:
        """Forget what was registered; the node is configured anew."""
        self._items.clear()
        self._worker = None

    def add(self, item: Reclaimable) -> None:
        """Register something; while the node is configured."""
        self._items.append(item)

    def listen(self) -> None:
        """Hear of pressure, if there is something to give back."""
        if self._items:
            self._worker = self._node.worker("reclaim")
            self._node.subscribe("pressure", lambda message: self.set_level(message.level))

    def set_level(self, level: int) -> None:
        """Ask all of them; what they hold less is shown in /diagnostics."""
        self.level = level
        if self._worker is not None:
            self._worker.submit(self._relieve, level)

    def activated(self) -> None:
        """Ask what was made at this activation, which knows of no pressure."""
        if self.level != GREEN:
            self.set_level(self.level)

    def resumed(self) -> None:
        """All of them hold as much as they may at the level of the run that goes on."""
        if self.level != GREEN:
            for item in self._items:
                item.relieve(self.level)

    def _relieve(self, level: int) -> None:
        if not self._node.active:
            return
        for item in sorted(self._items, key=lambda item: item.cost):
            self._given_bytes.setdefault(item.name, 0)
            try:
                before = item.held_bytes()
                item.relieve(level)
                self._given_bytes[item.name] += max(before - item.held_bytes(), 0)
            except Exception as error:  # noqa: BLE001 - the others are asked nevertheless
                self._node.report_failure(error)
        if level != GREEN and self._node.time_is_measured:
            return_freed_memory()
        given_mb = {
            f"given back: {name} [MB]": f"{given / 2**20:.1f}"
            for name, given in self._given_bytes.items()
        }
        self._node.diagnose(pressure=LEVELS[level], **given_mb)
