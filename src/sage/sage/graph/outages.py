"""How long a graph was without one of its processes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.diagnosis.ended import Ended

REMEMBERED = 1000
"""A process that ends again and again is reported so often at most."""


@dataclass
class Outage:
    """One end of a process, and what came after it.

    Attributes:
        process: of which.
        cause: how it ended.
        ended_s: when [s, monotonic].
        restarted_s: when it was started again; None: not yet.
        over_s: when all its nodes reported again; None: not yet.
    """

    process: str
    cause: str
    ended_s: float
    restarted_s: float | None = None
    over_s: float | None = None

    def within_s(self, since_s: float, until_s: float) -> float:
        """How much of that time it lasted [s]."""
        end_s = until_s if self.over_s is None else min(self.over_s, until_s)
        return max(end_s - max(self.ended_s, since_s), 0.0)


class Outages:
    """Those of one run, the newest 1,000.

    Args:
        nodes: of each process, by its name; one without nodes is back when it is started again.
    """

    def __init__(self, nodes: Mapping[str, frozenset[str]]) -> None:
        self._nodes = nodes
        self._all: deque[Outage] = deque(maxlen=REMEMBERED)

    def ended(self, process: str, cause: str, now_s: float) -> None:
        """A process is gone."""
        self._all.append(Outage(process, cause, now_s))

    def restarted(self, process: str, now_s: float) -> None:
        """It was started again."""
        for outage in self._all:
            if outage.process == process and outage.restarted_s is None:
                outage.restarted_s = now_s

    def look(self, active_s: Mapping[str, float]) -> None:
        """Which are over: `active_s` says when each node last reported that it is active."""
        for outage in self._all:
            began_s = outage.restarted_s
            if outage.over_s is not None or began_s is None:
                continue
            times = [active_s.get(node, 0.0) for node in self._nodes[outage.process]]
            if min(times, default=math.inf) > began_s:
                outage.over_s = max(times, default=began_s)

    def ended_now(self) -> tuple[Ended, ...]:
        """The processes that are not back, by name; each with its newest end."""
        found = {}
        for outage in self._all:
            if outage.over_s is None:
                again = "" if outage.restarted_s is None else "; started again, no status since"
                message = f"its process ended ({outage.cause}){again}"
                nodes = tuple(sorted(self._nodes[outage.process]))
                found[outage.process] = Ended(outage.process, message, nodes)
        return tuple(found[process] for process in sorted(found))

    def gone(self) -> frozenset[str]:
        """Nodes whose process ended and was not started again."""
        ended = [o.process for o in self._all if o.restarted_s is None]
        return frozenset().union(*(self._nodes[process] for process in ended))

    def records(self, now_s: float, since_s: float = 0.0) -> list[dict[str, Any]]:
        """In order: `process`, `cause`, `out_s`, and whether it is over; times to 0.01 s.

        A process that ends again before it is back begins a new outage, and the time counts once.

        Args:
            now_s: end of the run.
            since_s: begin of the time of which `out_s` is a part.
        """
        found = []
        next_s: dict[str, float] = {}
        for outage in reversed(self._all):
            until_s = min(now_s, next_s.get(outage.process, now_s))
            next_s[outage.process] = outage.ended_s
            found.append(
                {
                    "process": outage.process,
                    "cause": outage.cause,
                    "out_s": round(outage.within_s(since_s, until_s), 2),
                    "over": outage.over_s is not None,
                }
            )
        return found[::-1]
