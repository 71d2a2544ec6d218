"""How long a run waits for its first salience, and what it says meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sage.observe.sensors import all_absent
from sage.observe.waiting import never_came

if TYPE_CHECKING:
    from sage.run.session import Session

START_TIMEOUT_S = 60.0
REPORT_PERIOD_S = 5.0
PLAYED_S = 5.0
"""After the end of a recording, salience of its last frames comes within this time."""


class Waiting:
    """Of one run, begun at `begin_s` [s, monotonic]."""

    def __init__(self, run: Session, begin_s: float) -> None:
        self._run = run
        self._begin_s = begin_s
        self._running_since_s: float | None = None
        self._next_report_s = 0.0
        self._played_since_s: float | None = None

    def is_over(self, now_s: float) -> bool:
        """True once nothing more is waited for; the run is told what has not come."""
        if self._running_since_s is None and self._run.all_heard():
            self._running_since_s = now_s
            self._next_report_s = now_s + REPORT_PERIOD_S
        if self._running_since_s is not None and now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_PERIOD_S
            self._report_missing()
        return not self._run.options.wait and self._is_in_vain(now_s)

    def _is_in_vain(self, now_s: float) -> bool:
        """True, and said why, if no salience is to be expected any more."""
        if self._is_asked_time_over(now_s):
            return True
        if self._is_played_since_long(now_s):
            self._run.report("the recording has ended, too soon for any salience to come of it")
            return True
        if now_s - self._begin_s > START_TIMEOUT_S:
            self._run.report(f"no fused salience within {START_TIMEOUT_S:g} s of the start")
            return True
        if absent := all_absent(self._run.graph, self._run.observer.latest.statuses()):
            self._run.report("no sensor is there: " + "; ".join(absent))
            self._run.report("plug one in, name one, or wait for one: --wait")
        return bool(absent)

    def _is_asked_time_over(self, now_s: float) -> bool:
        """True if others publish, all nodes run, and they had the time that was asked for."""
        duration_s, since_s = self._run.options.duration_s, self._running_since_s
        if duration_s is None or since_s is None or self._run.graph.options.source != "topics":
            return False
        return now_s - since_s >= duration_s

    def _is_played_since_long(self, now_s: float) -> bool:
        if self._played_since_s is None and self._run.is_played():
            self._played_since_s = now_s
        return self._played_since_s is not None and now_s - self._played_since_s >= PLAYED_S

    def _report_missing(self) -> None:
        if missing := never_came(self._run.observer.latest.statuses()):
            self._run.report(f"waiting: nothing has come on {', '.join(missing)}")
