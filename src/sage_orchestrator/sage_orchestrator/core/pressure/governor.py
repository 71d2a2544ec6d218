"""Decides on the level of memory pressure, and on what is given back at it."""

from __future__ import annotations

from collections.abc import Mapping

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import State, Transient
from sage_common.core.state.stateful import Stateful
from sage_orchestrator.core.pressure.levels import LevelTracker
from sage_orchestrator.core.pressure.reading import PressureReading
from sage_orchestrator.core.pressure.shedding import Shedding, Transition
from sage_orchestrator.core.pressure.targets import ReclaimLevel

LONGEST_FORCED_S = 86_400.0


class Governor(Stateful):
    """What the level is, by readings or by hand, and what follows from it.

    Args:
        tracker: takes the readings.
        reclaim: says at which level caches and models are asked.
        shedding: says which nodes go.

    Attributes:
        forced_until_ns: when what was forced ends, on the clock of the graph; None: nothing is.
    """

    forced_until_ns: Transient[int | None] = None
    _forced_level: Transient[int] = 0
    _forced_ns: Transient[int] = 0
    _tracker: State[LevelTracker]
    _reclaim: State[ReclaimLevel]
    shedding: State[Shedding]

    def __init__(self, tracker: LevelTracker, reclaim: ReclaimLevel, shedding: Shedding) -> None:
        self._tracker = tracker
        self._reclaim = reclaim
        self.shedding = shedding

    @property
    def level(self) -> int:
        """Now."""
        return self._tracker.level if self.forced_until_ns is None else self._forced_level

    @property
    def reclaim_level(self) -> int:
        """At which caches and models are asked."""
        return self._reclaim.at(self.level)

    @property
    def targets_mb(self) -> tuple[float, float]:
        """What caches, and caches and models together, may hold now [MB]."""
        return self._reclaim.targets.at(self.level)

    @property
    def reason(self) -> str:
        """Why the level is what it is, in words."""
        if self.forced_until_ns is None:
            return self._tracker.reason
        read = PressureLevel(self._tracker.level).word
        return f"set by hand; read is {read}: {self._tracker.reason}"

    def observe(self, now_ns: int, reading: PressureReading, triggered: PressureLevel) -> bool:
        """Take a reading; True if the level has changed.

        Args:
            now_ns: monotonic time [ns].
            reading: what is known now.
            triggered: highest level for which the kernel raised an event.
        """
        before = self.level
        self._tracker.update(now_ns, reading, triggered)
        return self.level != before

    def force(self, now_ns: int, clock_ns: int, level: int, duration_s: float) -> None:
        """Set the level by hand; what was forced before ends. A duration of 0 ends it, too.

        Args:
            now_ns: monotonic time [ns].
            clock_ns: time on the clock of the graph [ns].
            level: of pressure.
            duration_s: how long, 0..86400 [s].

        Raises:
            InvalidInput: no such level, or no such duration.
        """
        if level not in set(PressureLevel):
            raise InvalidInput("level", level, "0 (green) to 4 (critical)")
        if not 0.0 <= duration_s <= LONGEST_FORCED_S:
            raise InvalidInput("duration_s", duration_s, f"0 to {LONGEST_FORCED_S:g} s")
        self._forced_level, self._forced_ns = level, now_ns
        self.forced_until_ns = clock_ns + round(duration_s * NS_PER_S) if duration_s else None

    def expire(self, clock_ns: int) -> bool:
        """End what was forced, if its time is over; True if it was.

        Args:
            clock_ns: time on the clock of the graph [ns].
        """
        if self.forced_until_ns is None or clock_ns < self.forced_until_ns:
            return False
        self.forced_until_ns = None
        return True

    def account(self, now_ns: int, cache_mb: float, optional_mb: float) -> bool:
        """Take what caches, and caches and models together, hold [MB]; True if they are to be
        asked at another level."""
        return self._reclaim.update(now_ns, self.level, cache_mb, optional_mb)

    def next_transition(self, now_ns: int, held_bytes: Mapping[str, int]) -> Transition | None:
        """Which node to deactivate or to activate now; see `Shedding.next`."""
        reached_ns: Mapping[str, int] = self._tracker.reached_ns
        if self.forced_until_ns is not None:
            reached_ns = {level.word: self._forced_ns for level in PressureLevel}
        return self.shedding.next(now_ns, self.level, reached_ns, held_bytes)
