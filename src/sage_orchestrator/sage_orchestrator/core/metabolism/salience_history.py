"""What was heard of salience that matters for the state: when something was salient, last."""

from __future__ import annotations

from typing import NamedTuple

from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_orchestrator.core.metabolism.rules import (
    DEAF_S,
    DEEPER,
    ENGAGED_GAP_S,
    EXPERIENCE,
    TIRED_FACTOR,
    TransitionRules,
)

_NS_PER_S = 1_000_000_000
_NS_PER_H = 3600 * _NS_PER_S


class Heard(NamedTuple):
    """What salience is good for: it wakes from rest, and, being rarer still, from a dream."""

    is_salient: bool
    is_rare: bool


class SalienceHistory(Stateful):
    """When valid salience was as rare as the rules ask for, last.

    Attributes:
        heard_ns: when any was heard last [ns].
        experience_ns: for how long it was heard [ns].
        stirred_ns: when something was salient enough to keep awake, last [ns].
        rare_ns: when something was rare enough to put off a dream, last [ns].
        salient_ns: when something was salient enough to wake, last [ns]; None: nothing was.
    """

    heard_ns: Transient[int] = 0
    experience_ns: Transient[int] = 0
    stirred_ns: Transient[int] = 0
    rare_ns: Transient[int] = 0
    salient_ns: Transient[int | None] = None
    _engaged_ns: Transient[int | None] = None
    """When the salient run that goes on began."""

    def __init__(self, rules: TransitionRules) -> None:
        self._rules = rules

    def begin(self, now_ns: int) -> None:
        """Time starts, or starts again: what was heard before counts as experience only."""
        self.heard_ns = self.stirred_ns = self.rare_ns = now_ns
        self.salient_ns = self._engaged_ns = None

    def add(self, alarms_per_hour: float, tired: bool, now_ns: int) -> Heard:
        """Valid salience came.

        Args:
            alarms_per_hour: how often as much is said while nothing happens, > 0 [1/h].
            tired: whether the robot is, and more is asked of what matters.
            now_ns: when.
        """
        if now_ns - self.heard_ns <= DEAF_S * _NS_PER_S:
            self.experience_ns += now_ns - self.heard_ns
        self.heard_ns = now_ns
        if alarms_per_hour <= self._threshold(self._rules.idle_alarms_per_hour, tired):
            self.stirred_ns = now_ns
        wakes = self._rules.wake_alarms_per_hour
        heard = Heard(
            is_salient=alarms_per_hour <= self._threshold(wakes, tired),
            is_rare=alarms_per_hour <= self._threshold(wakes / DEEPER, tired),
        )
        if heard.is_rare:
            self.rare_ns = now_ns
        if heard.is_salient:
            last_ns, self.salient_ns = self.salient_ns, now_ns
            if last_ns is None or now_ns - last_ns > ENGAGED_GAP_S * _NS_PER_S:
                self._engaged_ns = now_ns
        return heard

    def is_silent(self, now_ns: int) -> bool:
        """Whether no valid salience has come for so long that nothing is known."""
        return now_ns - self.heard_ns > DEAF_S * _NS_PER_S

    def engaged_s(self, now_ns: int) -> float:
        """How long something salient goes on [s]; 0: nothing does."""
        if self._engaged_ns is None or self.salient_ns is None:
            return 0.0
        if now_ns - self.salient_ns > ENGAGED_GAP_S * _NS_PER_S:
            return 0.0
        return (self.salient_ns - self._engaged_ns) / _NS_PER_S

    def _threshold(self, alarms_per_hour: float, tired: bool) -> float:
        """A threshold of the rules, for who has heard little, or is tired [1/h]."""
        heard_h = max(self.experience_ns / _NS_PER_H, 1e-6)
        reached = max(alarms_per_hour, EXPERIENCE / heard_h)
        return reached / TIRED_FACTOR if tired else reached
