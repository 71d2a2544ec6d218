"""When one state is left for another."""

from __future__ import annotations

from dataclasses import dataclass

from sage_orchestrator.core.metabolism.state import MetabolicState

LEAST_DWELL_S = {
    MetabolicState.WAKE: 5.0,
    MetabolicState.FOCUS: 2.0,
    MetabolicState.REST: 0.0,
    MetabolicState.DREAM: 0.0,
    MetabolicState.CRISIS: 10.0,
}
"""What is left sooner would come and go; who sleeps can be woken at once, and no crisis waits."""
LONGEST_FORCED_S = 86_400.0
TIRED, RESTED = 0.2, 0.3
"""Below the one the robot is tired, until the reserve is above the other."""
EXHAUSTED, RECOVERED = 0.1, 0.15
"""The same of a battery that makes a crisis."""
TIRED_FACTOR = 5.0
"""Who is tired rests after so many times less idling, and is woken by what is so much rarer."""
ENGAGED_S, ENGAGED_GAP_S = 1.0, 3.0
"""Salience that lasts so long, with gaps no longer than that, is worth focusing on."""
LONGEST_FOCUS_S, FOCUS_AGAIN_S = 120.0, 30.0
EXPERIENCE = 4.0
"""Nothing can be said to be rarer than all that was heard. Before much was, so many events in all
of it are rare enough: a threshold is that of the rules, or at least this over the hours heard."""
DEEPER = 10.0
"""Who dreams is woken by what is so many times rarer than what wakes from rest, and a robot dreams
when nothing as rare as that has come for long."""
DEAF_S = 2.0
"""Without valid salience for so long nothing is known, and the robot stays awake."""


@dataclass(frozen=True)
class TransitionRules:
    """When one state is left for another; what a robot may want to set.

    Attributes:
        wake_alarms_per_hour: what comes so often or less while nothing happens wakes [1/h].
        idle_alarms_per_hour: the same of what keeps awake, at least as much [1/h].
        rest_after_s: idle time before REST [s].
        focus_hold_s: idle time before FOCUS ends [s].
        dream_after_s: time without anything rare before DREAM [s].
        dream_s: length of a DREAM [s].
        dream_every_s: least time between two of them [s].
        crisis_pressure: level of memory pressure that makes a CRISIS.
        night_begin_h, night_end_h: hours of the day, UTC; equal: there is no night.
    """

    wake_alarms_per_hour: float
    idle_alarms_per_hour: float
    rest_after_s: float
    focus_hold_s: float
    dream_after_s: float
    dream_s: float
    dream_every_s: float
    crisis_pressure: int
    night_begin_h: float
    night_end_h: float

    def is_night(self, now_ns: int) -> bool:
        """Whether a time [ns since the epoch] lies in the night."""
        hour = now_ns / 3.6e12 % 24.0
        if self.night_begin_h <= self.night_end_h:
            return self.night_begin_h <= hour < self.night_end_h
        return hour >= self.night_begin_h or hour < self.night_end_h
