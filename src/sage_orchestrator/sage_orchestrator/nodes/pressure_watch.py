"""Reads how tight memory is, on a thread of its own."""

from __future__ import annotations

import os
from collections.abc import Callable

from sage_common.core.health import PressureLevel
from sage_common.ros.node import SageNode
from sage_orchestrator.backends.memory_reader import MemoryReader
from sage_orchestrator.core.pressure.reading import PressureReading

READ_S, READ_NEAR_S = 0.25, 0.05
"""Between two readings; and while as much memory is in use as `NEAR`."""
NEAR = 50.0
"""Share of memory in use [%], where that counts."""


class PressureWatch:
    """Reads as long as the node is active, and between two readings when the kernel says so.

    An executor that has more to do than processor time is seconds late; this thread is not.

    Args:
        node: the governor.
        take: is given the time [ns], what was read then, and the highest level for which the
            kernel raised an event since the reading before.
    """

    def __init__(
        self, node: SageNode, take: Callable[[int, PressureReading, PressureLevel], None]
    ) -> None:
        self._node, self._take = node, take
        self._worker = node.worker("readings")
        self._reader: MemoryReader | None = None
        self._runs = False

    def open(self) -> None:
        """The node is to be active."""
        self._reader = MemoryReader(os.environ)

    def keep_on(self) -> None:
        """Begin to read, unless it does; after an error, too. For a timer."""
        if self._reader is not None and not self._runs:
            self._runs = True
            self._worker.submit(self._run, self._reader)

    def close(self) -> None:
        """The node is not active any more."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _run(self, reader: MemoryReader) -> None:
        triggered = PressureLevel.GREEN
        try:
            while self._node.active:
                now_ns = self._node.stopwatch_ns()
                reading = reader.read(now_ns)
                self._take(now_ns, reading, triggered)
                triggered = reader.wait(READ_NEAR_S if reading.used >= NEAR else READ_S)
        finally:
            self._runs = False
