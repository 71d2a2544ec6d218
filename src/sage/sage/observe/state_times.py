"""How long the robot was in each of its metabolic states."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sage_common.core.clock import NS_PER_S


class StateTimes:
    """Adds up the time in each state, by the stamps of messages."""

    def __init__(self) -> None:
        self._state = ""
        self._since_ns = 0
        self._spent_ns: dict[str, int] = defaultdict(int)
        self._transitions = 0

    def heard(self, state: str, stamp_ns: int) -> None:
        """The orchestrator says that the robot is in this state."""
        self.until(stamp_ns)
        if not self._state:
            self._since_ns = stamp_ns
        elif state != self._state:
            self._transitions += 1
        self._state = state

    def until(self, stamp_ns: int) -> None:
        """Until then nothing else was heard; what is earlier than the newest counts for nothing."""
        if self._state and stamp_ns > self._since_ns:
            self._spent_ns[self._state] += stamp_ns - self._since_ns
            self._since_ns = stamp_ns

    def summary(self) -> dict[str, Any]:
        """Seconds in each state, and the number of changes from one to another."""
        seconds = {name: round(ns / NS_PER_S, 1) for name, ns in self._spent_ns.items()}
        return {"seconds": seconds, "transitions": self._transitions}
