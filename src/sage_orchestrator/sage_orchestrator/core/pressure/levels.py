"""From readings to a level, with hysteresis: up at once, down one at a time and late."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_orchestrator.core.pressure.reading import PressureReading

SOME_YELLOW, SOME_ORANGE = 5.0, 10.0
"""Share of the time in which some task stalls on memory [%]."""
FULL_RED, FULL_CRITICAL = 5.0, 20.0
"""Share of the time in which all tasks do [%]."""
USED = {
    PressureLevel.YELLOW: 80.0,
    PressureLevel.ORANGE: 87.0,
    PressureLevel.RED: 93.0,
    PressureLevel.CRITICAL: 97.0,
}
"""Share of a limit, or of all memory, that cannot be reclaimed [%], where that counts."""
USED_FORESEEN = 70.0
"""Above it the rate counts at which that share grows [%]."""
USED_CALM_BELOW = 4.0
"""So far below its threshold [points] a share of memory is calm; half of it would never be."""
STEP_NS = 2_000_000_000
CALM = 0.5
"""Below this part of its threshold a share of stalled time is calm."""
ABOVE_GREEN = tuple(level for level in PressureLevel if level > PressureLevel.GREEN)


@dataclass(frozen=True)
class Evidence:
    """What a reading says of one level.

    Attributes:
        reached: it calls for that level.
        calm: it does not call for staying there.
        why: in words, if it is reached.
    """

    reached: bool
    calm: bool
    why: str = ""


def evidence(reading: PressureReading, level: PressureLevel) -> Evidence:
    """What a reading says of one level above green."""
    found = [
        _stalls("some", reading.some, threshold)
        for at, threshold in (
            (PressureLevel.YELLOW, SOME_YELLOW),
            (PressureLevel.ORANGE, SOME_ORANGE),
        )
        if at == level
    ]
    found += [
        _stalls("all", reading.full, threshold)
        for at, threshold in (
            (PressureLevel.RED, FULL_RED),
            (PressureLevel.CRITICAL, FULL_CRITICAL),
        )
        if at == level
    ]
    if reading.limit_hits and level == PressureLevel.RED:
        why = f"the cgroup was held up at its limit {reading.limit_hits} times"
        found.append(Evidence(True, False, why))
    if reading.used >= 0.0:
        reached = reading.used >= USED[level]
        why = f"{reading.used:.0f} % of memory is in use and cannot be reclaimed"
        if not reached and reading.used >= USED_FORESEEN:
            reached = reading.used_soon >= USED[level]  # what waits until then is too late
            why += f", and at this rate {min(reading.used_soon, 100.0):.0f} % in 1 s"
        calm = not reached and reading.used < USED[level] - USED_CALM_BELOW
        found.append(Evidence(reached, calm, why))
    return Evidence(
        any(item.reached for item in found),
        all(item.calm for item in found),
        "; ".join(item.why for item in found if item.reached),
    )


class LevelTracker(Stateful):
    """Follows readings: a level is taken at once, and left when it was calm for a time.

    A level is left for the next lower one, which has been calm for a time of its own: after all of
    them were, one is left every 2 s.

    Args:
        hold_ns: how long a level must be calm before it is left.

    Attributes:
        level: now.
        reached_ns: when each level, or a higher one, was last called for, by its word.
        reason: why the level is what it is, in words.
    """

    level: Transient[int] = int(PressureLevel.GREEN)
    reached_ns: Transient[dict[str, int]]
    reason: Transient[str] = "no stalls"
    _tense_ns: Transient[dict[str, int]]
    _left_ns: Transient[int] = -STEP_NS

    def __init__(self, hold_ns: int) -> None:
        self._hold_ns = hold_ns
        self.reached_ns = {}
        self._tense_ns = {}

    def update(
        self, now_ns: int, reading: PressureReading, triggered: PressureLevel = PressureLevel.GREEN
    ) -> bool:
        """Take a reading; True if the level has changed.

        Args:
            now_ns: monotonic time [ns].
            reading: what is known now.
            triggered: highest level for which the kernel raised an event.
        """
        if now_ns - self._left_ns < STEP_NS:  # nodes take back what they gave: that ends
            reading = replace(reading, used_soon=reading.used)
        before = PressureLevel(self.level)
        reached, why = PressureLevel.GREEN, ""
        for level in ABOVE_GREEN:
            found = evidence(reading, level)
            by_event = triggered >= level
            if by_event or not found.calm:
                self._tense_ns[level.word] = now_ns
            if by_event or found.reached:
                reached = level
                why = found.why or f"the kernel raised an event: {EVENTS[level]}"
        self.reached_ns.update({level.word: now_ns for level in ABOVE_GREEN if level <= reached})
        if reached >= max(before, PressureLevel.YELLOW):
            self.level, self.reason = int(reached), why
        elif before > PressureLevel.GREEN and self._is_calm(before, now_ns):
            self.level, self._left_ns = before - 1, now_ns
            hold_s = self._hold_ns / 1e9
            self.reason = f"{before.word} has been calm for {hold_s:g} s"
        return self.level != before

    def _is_calm(self, level: PressureLevel, now_ns: int) -> bool:
        calm_ns = now_ns - self._tense_ns.get(level.word, -self._hold_ns)
        return calm_ns >= self._hold_ns and now_ns - self._left_ns >= STEP_NS


EVENTS = {
    PressureLevel.YELLOW: f"some task stalled on memory for {SOME_YELLOW:g} % of 2 s",
    PressureLevel.ORANGE: f"some task stalled on memory for {SOME_ORANGE:g} % of 2 s",
    PressureLevel.RED: f"all tasks stalled on memory for {FULL_RED:g} % of 2 s",
    PressureLevel.CRITICAL: f"all tasks stalled on memory for {FULL_CRITICAL:g} % of 2 s",
}


def _stalls(who: str, share: float, threshold: float) -> Evidence:
    tasks = "all tasks" if who == "all" else "some task"
    why = f"{tasks} stalled on memory for {share:.1f} % of the time"
    return Evidence(share >= threshold, share < CALM * threshold, why)
