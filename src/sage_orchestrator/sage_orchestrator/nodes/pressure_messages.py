"""What the governor knows, as messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sage_common.core.diagnosis.node_status import SHED_NODES
from sage_common.core.health import PressureLevel
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.pressure import Cost
from sage_msgs.msg import ProcessMemory, ReclaimableMemory, ResourcePressure
from sage_orchestrator.backends.board import BoardReading
from sage_orchestrator.backends.processes import ProcessUse
from sage_orchestrator.core.pressure.governor import Governor
from sage_orchestrator.core.pressure.reading import PressureReading

_COMES_BACK = tuple(cost.name.lower() for cost in (Cost.REFILL, Cost.RELOAD))
UNKNOWN = -1.0


@dataclass(frozen=True)
class GraphMemory:
    """What the graph holds.

    Attributes:
        reclaimables: what each node could give back, by its name.
        processes: of the graph.
    """

    reclaimables: Mapping[str, Sequence[ReclaimableMemory]] = field(default_factory=dict)
    processes: Sequence[ProcessUse] = ()

    @property
    def cache_mb(self) -> float:
        """By caches [MB]."""
        return self._held_mb(_COMES_BACK[:1])

    @property
    def optional_mb(self) -> float:
        """By caches and models [MB]."""
        return self._held_mb(_COMES_BACK)

    def sizes_bytes(self, names: set[str]) -> dict[str, int]:
        """Of each of these nodes: its process, if it has one of its own; else what it could give
        back."""
        processes = {use.name: round(use.pss_mb * 2**20) for use in self.processes}
        held = {
            name: sum(item.held_bytes for item in items)
            for name, items in self.reclaimables.items()
        }
        return {name: processes.get(name, held.get(name, 0)) for name in names}

    def _held_mb(self, costs: tuple[str, ...]) -> float:
        items = (item for found in self.reclaimables.values() for item in found)
        return sum(item.held_bytes for item in items if item.cost in costs) / 2**20


def facts(governor: Governor, reading: PressureReading) -> dict[str, str]:
    """For /diagnostics."""
    return {
        "level": PressureLevel(governor.level).word,
        "reason": governor.reason,
        "method": reading.method,
        SHED_NODES: ", ".join(
            f"{name} {PressureLevel(level).word}" for name, level in governor.shedding.shed
        ),
    }


def health(governor: Governor, reading: PressureReading, fault: str) -> tuple[str, str]:
    """Level and words: what is tight, what could not be read, and what is wrong besides."""
    words = [said for said in (fault, reading.ignored) if said]
    if governor.level:
        words.append(f"pressure {PressureLevel(governor.level).word}: {governor.reason}")
    if reading.faults:
        words.append(f"not read, as if green: {'; '.join(reading.faults)}")
    return ("warn", "; ".join(words)) if words else ("ok", "running")


def pressure_message(
    now_ns: int,
    governor: Governor,
    reading: PressureReading,
    memory: GraphMemory,
    board: BoardReading,
) -> ResourcePressure:
    """All of it at a time [ns]."""
    cache_target_mb, optional_target_mb = governor.targets_mb
    message = ResourcePressure(
        level=governor.level,
        reclaim_level=governor.reclaim_level,
        reason=governor.reason,
        forced=governor.forced_until_ns is not None,
        forced_until=to_stamp(governor.forced_until_ns or 0),
        method=reading.method,
        some_avg10=reading.some_avg10,
        full_avg10=reading.full_avg10,
        available_mb=reading.available_mb,
        cache_mb=memory.cache_mb,
        cache_target_mb=cache_target_mb,
        optional_mb=memory.optional_mb,
        optional_target_mb=optional_target_mb,
        shed=list(governor.shedding.nodes),
        processes=[
            ProcessMemory(name=use.name, pid=use.pid, pss_mb=use.pss_mb) for use in memory.processes
        ],
        gpu_used_mb=UNKNOWN,
        gpu_total_mb=UNKNOWN,
        power_w=board.power_w,
        temperature_c=board.temperature_c,
        clock_mhz=board.clock_mhz,
    )
    message.header.stamp = to_stamp(now_ns)
    return message
