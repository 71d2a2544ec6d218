"""Whether a process hangs, judged by its heartbeats and by what the kernel lets it do.

A heartbeat that is late says little on a busy machine. So of the time since then only that counts
in which the process could have written one: neither does that in which one of its threads was ready
to run and got no core (the kernel adds it up for each thread), nor while one waited for a disk or
was held by a debugger, nor more than `LONGEST_LOOK_S` between two looks, for who looks late is kept
waiting himself. And time counts as many times less as there are threads ready to run for each core:
a process may sleep because another one that it waits for gets none. Of a process that a signal has
stopped all time counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sage.run.process_state import HostState, ProcessState
from sage_common.heartbeat import BEAT_PERIOD_S, Beat, Phase

LATE_S = 1.5 * BEAT_PERIOD_S
HANG_S = 0.45
"""Of time that counts, after `LATE_S`."""
SLOW_S = 10.0
"""The same while a process starts or ends: it loads libraries and models, and saves."""
UNHEARD_S = 60.0
"""And before its first heartbeat."""
LONGEST_LOOK_S = 0.1
NO_BEAT = "nothing of it runs"
NO_TURN = "a callback does not end"
STOPPED = "it is stopped by a signal"


@dataclass
class _Overdue:
    """How long one kind of heartbeat has been due, in time that counts.

    Attributes:
        seen_s: the newest heartbeat.
        counted_s: since it was late.
    """

    seen_s: float = 0.0
    counted_s: float = 0.0

    def is_late(self, beat_s: float, now_s: float) -> bool:
        if beat_s != self.seen_s:
            self.seen_s, self.counted_s = beat_s, 0.0
        return now_s - beat_s > LATE_S


class HangDetector:
    """Of one process, from its start at `now_s` [s, monotonic] on.

    Args:
        now_s: when it was started.
        state: how the process is now; None if it has ended.
        host: how the machine is now.

    Attributes:
        most_s: the longest time that counted against it without its being said to hang.
    """

    def __init__(
        self,
        now_s: float,
        state: Callable[[], ProcessState | None],
        host: Callable[[], HostState],
    ) -> None:
        self._started_s = self._looked_s = now_s
        self._state, self._host = state, host
        self._before: tuple[ProcessState, HostState] | None = None
        self._beats, self._turns = _Overdue(), _Overdue()
        self.most_s = 0.0

    def look(self, now_s: float, beat: Beat) -> str:
        """Why the process is said to hang, in words; empty: it is not."""
        passed_s = min(now_s - self._looked_s, LONGEST_LOOK_S)
        self._looked_s = now_s
        beaten_s = beat.beaten_s or self._started_s
        turned_s = beat.turned_s if beat.phase < Phase.ENDING else 0.0
        no_beat = self._beats.is_late(beaten_s, now_s)
        no_turn = self._turns.is_late(turned_s, now_s) and turned_s > 0.0
        if not (no_beat or no_turn):
            self._before = None
            return ""
        state = self._state()
        if state is None:
            return ""
        overdue = self._beats if no_beat else self._turns
        # Who holds the interpreter keeps the executor from turning, too.
        counted_s = self._counted(state, host := self._host(), passed_s)
        overdue.counted_s = max(overdue.counted_s + counted_s, 0.0)
        self._before = state, host
        return self._judged(beat.phase, state, now_s)

    def begin_anew(self) -> None:
        """Nothing is held against the process: it may have waited for another one that hung."""
        self._beats.counted_s = self._turns.counted_s = 0.0

    def _counted(self, state: ProcessState, host: HostState, passed_s: float) -> float:
        """How much of the time since the last look the process could have used [s].

        Less than none: threads turn out to have waited for a core in time that was counted.
        """
        if state.stopped:
            return passed_s
        if self._before is None:
            return 0.0
        before, host_before = self._before
        if state.is_held or before.is_held or state.starves(before):
            return 0.0
        return (passed_s - state.waited_s(before)) / host.crowding(host_before)

    def _judged(self, phase: Phase, state: ProcessState, now_s: float) -> str:
        limit_s = {Phase.UNHEARD: UNHEARD_S, Phase.RUNNING: HANG_S}.get(phase, SLOW_S)
        found = (
            (self._beats, NO_BEAT, "heartbeat"),
            (self._turns, NO_TURN, "turn of its executor"),
        )
        for overdue, words, what in found:
            if overdue.counted_s > limit_s:
                why = STOPPED if state.stopped else words
                since_s = now_s - (overdue.seen_s or self._started_s)
                return f"{why}: no {what} for {since_s:.1f} s"
            self.most_s = max(self.most_s, overdue.counted_s)
        return ""
