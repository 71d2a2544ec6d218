"""What the memory node does at every tick of its timer, beside the executor."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sage_common.core.clock import NS_PER_S
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import Cost
from sage_memory.core.memory import Memory
from sage_memory.core.statistics import Statistics
from sage_memory.nodes.sleep_service import SleepService

TRY_PERIOD_S = 5.0
"""A disk that refused is tried so often: else it would seem to refuse until a moment is kept."""


class Housekeeping:
    """Tends payloads, sleeps if it is time to, and shows how the store is, on a worker of its own.

    A store may have to be asked, and a disk: neither is for a timer of the executor. In lock-step,
    where workers run inline, it is done at once.

    Args:
        node: that it belongs to.
        opened: gives the open memory, or raises MemoryFailure.
        sleeping: when to sleep.
    """

    def __init__(
        self, node: SageNode, opened: Callable[[], Memory], sleeping: SleepService
    ) -> None:
        self._node = node
        self._opened = opened
        self._sleep_service = sleeping
        node.reclaimable("payloads", Cost.LOSS, self._payload_bytes, self._relieve)
        self._worker = node.worker("housekeeping") if node.time_is_measured else None
        self._tried_ns = 0

    def tick(self, shown: Mapping[str, object]) -> None:
        """Do what is due; `shown` goes to /diagnostics beside the state of the store."""
        if self._worker is None:
            self._do(shown)
        else:
            self._worker.submit(self._do, shown)

    def warn_of_undeclared(self, memory: Memory) -> None:
        """Say which modalities of a store nobody here declares."""
        missing = set(memory.modality_specs.missing) - set(self._node.modality_specs.missing)
        if missing:
            self._node.log.warning(
                "stored are experiences of modalities that are instances of what no package "
                f"declares: {', '.join(sorted(missing))}"
            )

    def _payload_bytes(self) -> int:
        return int(self._opened().statistics().payload_bytes)

    def _relieve(self, level: int) -> None:
        """Keep fewer payloads under pressure; those above the cap go few by few, some at once."""
        memory = self._opened()
        memory.set_pressure(level)
        if (evicting := memory.evict_payloads()) is not None:
            evicting.result()

    def _do(self, shown: Mapping[str, object]) -> None:
        self._opened().evict_payloads()
        self._sleep_service.tick(self._node.clock.now_ns())
        statistics = self._opened().statistics()
        now_ns = self._node.clock.now_ns()
        if statistics.failing and not 0 <= now_ns - self._tried_ns < TRY_PERIOD_S * NS_PER_S:
            self._tried_ns = now_ns
            self._opened().try_disk()
        facts = dict(vars(statistics)) | self._sleep_service.facts()
        if not self._node.time_is_measured:
            del facts["disk_free_bytes"]  # others write to the disk, too: two runs would differ
        self._node.diagnose(**shown, **facts)
        if self._node.active:  # else it is being deactivated, and its health says so
            self._node.set_health(*health_of(statistics))


def health_of(statistics: Statistics) -> tuple[str, str]:
    """Level and text of all that is wrong with the store now."""
    failing = ""
    if statistics.failing:
        failing = f"{statistics.failed} experiences were not kept: {statistics.last_write_failure}"
    causes = (
        failing,
        statistics.last_damage,
        statistics.last_refusal,
        statistics.index_cache_refusal,
    )
    text = "; ".join(filter(None, causes))
    if not text:
        return "ok", "running"
    return "error" if failing else "warn", text
