"""What a step costs.

Computing costs CPU time in full: that of the plugin's thread, of native threads and processes that
it started, and of its GPU. What those use between two steps is charged to the next. Waiting (for a
service, a lock, a disk) holds a thread but no core, so it costs a tenth of the time waited; waiting
is not free, because a plugin that only waits would otherwise never use up its budget. Time in which
the kernel gave the core to somebody else counts as waiting too: it cannot be distinguished from
user space, and a tenth of it keeps the error small.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sage_orchestrator.core.budget.usage import UsageBeside

WAITING_PRICE_DIVISOR = 10


@dataclass(frozen=True)
class Mark:
    """The beginning of a measured stretch of work: of time, and of what was charged before."""

    plugin: str
    wall_ns: int
    cpu_ns: int
    beside_ns: int = 0
    gpu_ns: int = 0


class Meter(Protocol):
    """Measures work on the calling thread, which is that of one plugin."""

    @property
    def is_measured(self) -> bool:
        """Whether time passes: otherwise costs are declared, and nothing is late."""

    def skip(self, plugin: str) -> None:
        """What was used up to now is not charged: the plugin was loading."""

    def start(self, plugin: str) -> Mark:
        """The beginning of a stretch; end it on the same thread."""

    def cost_ns(self, mark: Mark, nominal_ns: int) -> int:
        """Cost since `mark` of a stretch that its plugin declares to cost `nominal_ns`."""


def no_gpu(plugin: str) -> int:
    """Where there is no GPU, plugins use none."""
    return 0


class MeasuredMeter:
    """CPU and GPU time of a plugin, and a tenth of the time that its thread waited.

    Args:
        wall_ns: a clock.
        cpu_ns: CPU time of the calling thread.
        gpu_ns: GPU time that a plugin has used so far, by its name.
    """

    is_measured = True

    def __init__(
        self,
        wall_ns: Callable[[], int],
        cpu_ns: Callable[[], int] = time.thread_time_ns,
        gpu_ns: Callable[[str], int] = no_gpu,
    ) -> None:
        self._wall_ns = wall_ns
        self._cpu_ns = cpu_ns
        self._gpu_ns = gpu_ns
        self._gpu_charged: dict[str, int] = {}
        self._local = threading.local()

    def skip(self, plugin: str) -> None:
        self._beside.add_between()
        self._gpu_charged[plugin] = self._gpu_ns(plugin)

    def start(self, plugin: str) -> Mark:
        charged_ns = self._beside.total_ns
        self._beside.add_between()
        gpu_ns = self._gpu_charged.get(plugin, 0)
        return Mark(plugin, self._wall_ns(), self._cpu_ns(), charged_ns, gpu_ns)

    def cost_ns(self, mark: Mark, nominal_ns: int) -> int:
        self._beside.add_step()
        self._gpu_charged[mark.plugin] = self._gpu_ns(mark.plugin)
        cpu_ns = max(0, self._cpu_ns() - mark.cpu_ns) + self._beside.total_ns - mark.beside_ns
        gpu_ns = self._gpu_charged[mark.plugin] - mark.gpu_ns
        waited_ns = max(0, self._wall_ns() - mark.wall_ns - cpu_ns - gpu_ns)
        return cpu_ns + gpu_ns + waited_ns // WAITING_PRICE_DIVISOR

    @property
    def _beside(self) -> UsageBeside:
        """That of the calling thread."""
        if not hasattr(self._local, "beside"):
            self._local.beside = UsageBeside()
        beside: UsageBeside = self._local.beside
        return beside


class NominalMeter:
    """The declared cost: under simulated time nothing can be measured, and runs must repeat."""

    is_measured = False

    def skip(self, plugin: str) -> None: ...

    def start(self, plugin: str) -> Mark:
        return Mark(plugin, 0, 0)

    def cost_ns(self, mark: Mark, nominal_ns: int) -> int:
        return nominal_ns
