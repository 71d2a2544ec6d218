"""What a step costs.

Computing costs the thread's CPU time in full. Waiting (for a service, a lock, a disk) holds a
thread but no core, so it costs a tenth of the time waited; waiting is not free, because a plugin
that only waits would otherwise never use up its budget. Time in which the kernel gave the core to
somebody else counts as waiting too: it cannot be distinguished from user space, and a tenth of it
keeps the error small. Threads that native code starts by itself are not seen: plugins run their
models with one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

WAITING_PRICE_DIVISOR = 10


@dataclass(frozen=True)
class Mark:
    """The beginning of a measured stretch of work."""

    wall_ns: int
    cpu_ns: int


class Meter(Protocol):
    """Measures work on the calling thread."""

    def start(self) -> Mark:
        """The beginning of a stretch; end it on the same thread."""

    def cost_ns(self, mark: Mark, nominal_ns: int) -> int:
        """Cost since `mark` of a stretch that its plugin declares to cost `nominal_ns`."""


class MeasuredMeter:
    """CPU time of the calling thread, and a tenth of the time that it waited."""

    def __init__(
        self, wall_ns: Callable[[], int], cpu_ns: Callable[[], int] = time.thread_time_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._cpu_ns = cpu_ns

    def start(self) -> Mark:
        return Mark(self._wall_ns(), self._cpu_ns())

    def cost_ns(self, mark: Mark, nominal_ns: int) -> int:
        cpu = max(0, self._cpu_ns() - mark.cpu_ns)
        waited = max(0, self._wall_ns() - mark.wall_ns - cpu)
        return cpu + waited // WAITING_PRICE_DIVISOR


class NominalMeter:
    """The declared cost: under simulated time nothing can be measured, and runs must repeat."""

    def start(self) -> Mark:
        return Mark(0, 0)

    def cost_ns(self, mark: Mark, nominal_ns: int) -> int:
        return nominal_ns
