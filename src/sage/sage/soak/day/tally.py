"""What the graph says in the course of a day: its states, and its alarms. No ROS."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sage_common.core.clock import NS_PER_S

ALARM_PER_HOUR = 60.0
"""A moment is an alarm if as much is said so rarely while nothing happens, or more rarely [1/h]."""
ONE_ALARM_NS = 2 * NS_PER_S
"""Alarms that follow each other within this time are one."""


@dataclass
class DayTally:
    """Counts; `moments` are messages of fused salience.

    Attributes:
        entered: how often each state was entered.
        alarms: by what happened, "lively" or "quiet".
        kept: experiences that the memory announced.
    """

    entered: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)
    moments: int = 0
    kept: int = 0

    def __post_init__(self) -> None:
        self._state = ""
        self._alarm_ns: int | None = None

    def state(self, name: str) -> None:
        """A state was announced."""
        if name != self._state:
            self.entered[name] += 1
        self._state = name

    def moment(self, time_ns: int, alarms_per_hour: float, scene: str) -> None:
        """Salience of a moment was announced."""
        self.moments += 1
        if alarms_per_hour > ALARM_PER_HOUR:
            return
        if self._alarm_ns is None or time_ns - self._alarm_ns > ONE_ALARM_NS:
            self.alarms[scene] += 1
        self._alarm_ns = time_ns
