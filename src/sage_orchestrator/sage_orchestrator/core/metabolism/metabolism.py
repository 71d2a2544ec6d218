"""Which state the robot is in, and why: entered and left by salience, energy and pressure."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import State, Transient
from sage_common.core.state.stateful import Stateful
from sage_orchestrator.core.metabolism.energy import EnergyReserve
from sage_orchestrator.core.metabolism.policy import StatePolicy
from sage_orchestrator.core.metabolism.rules import (
    DEAF_S,
    ENGAGED_S,
    EXHAUSTED,
    FOCUS_AGAIN_S,
    LEAST_DWELL_S,
    LONGEST_FOCUS_S,
    LONGEST_FORCED_S,
    RECOVERED,
    RESTED,
    TIRED,
    TIRED_FACTOR,
    TransitionRules,
)
from sage_orchestrator.core.metabolism.salience_history import SalienceHistory
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.metabolism.transition import Transition

_NS_PER_S = 1_000_000_000
TRANSITIONS_KEPT = 16
WAKE, FOCUS, REST, DREAM, CRISIS = MetabolicState


class Metabolism(Stateful):
    """The state machine. It has no clock: times are given, and one that goes back begins anew.

    Thresholds come in pairs (hysteresis) and states have least dwell times; only waking has none,
    and a crisis waits for neither.

    Attributes:
        current: the present state.
        reason: why, in words.
        since_ns: when it was entered [ns].
        transitions: the newest last.
        forced: the state that somebody forced last.
        forced_until_ns: end of a forced state [ns]; 0: it is not forced.
        energy: what is left.
    """

    current: Transient[MetabolicState] = WAKE
    reason: Transient[str] = "the graph has started"
    since_ns: Transient[int] = 0
    transitions: Transient[deque[Transition]]
    forced: State[MetabolicState] = WAKE
    forced_until_ns: State[int] = 0
    energy: Transient[EnergyReserve]
    _begun: Transient[bool] = False
    _now_ns: Transient[int] = 0
    _heard: Transient[SalienceHistory]
    _focused_ns: Transient[int | None] = None
    _dreamt_ns: Transient[int | None] = None
    _pressure: Transient[int] = 0
    _pressure_name: Transient[str] = "green"
    _trouble_ns: Transient[int | None] = None
    """When there was a cause of a crisis, last."""
    _tired: Transient[bool] = False
    _exhausted: Transient[bool] = False

    def __init__(
        self,
        rules: TransitionRules,
        policies: Mapping[MetabolicState, StatePolicy],
        energy: EnergyReserve,
    ) -> None:
        self._rules = rules
        self._policies = policies
        self.energy = energy
        self._heard = SalienceHistory(rules)
        self.transitions = deque(maxlen=TRANSITIONS_KEPT)

    @property
    def policy(self) -> StatePolicy:
        """What governs now."""
        return self._policies[self.current]

    @property
    def is_forced(self) -> bool:
        """Whether somebody forced the state."""
        return self.forced_until_ns > 0

    def hear_salience(
        self, alarms_per_hour: float, valid: bool, cause: str, now_ns: int
    ) -> Transition | None:
        """Fused salience came; the transition that it makes at once.

        Args:
            alarms_per_hour: how often as much is said while nothing happens, > 0 [1/h].
            valid: False: nothing is known.
            cause: in words.
            now_ns: when.
        """
        if not valid:
            return None
        self._follow(now_ns)
        heard = self._heard.add(alarms_per_hour, self._tired, now_ns)
        sleeps = self.current is REST or (self.current is DREAM and heard.is_rare)
        if heard.is_salient and sleeps and not self.is_forced:
            return self._enter(WAKE, f"woken by {cause}", now_ns)
        return None

    @property
    def pressure(self) -> int:
        """The memory pressure as it was heard last, a `PressureLevel`."""
        return self._pressure

    def assume_experience(self, heard_ns: int) -> None:
        """As if valid salience had been heard for so long [ns]."""
        self._heard.experience_ns = heard_ns

    def hear_pressure(self, level: int, name: str) -> None:
        """The memory pressure, and what that level is called."""
        self._pressure, self._pressure_name = level, name

    def evaluate(self, now_ns: int) -> Transition | None:
        """The transition that is due at `now_ns`, if one is; to be asked at least once a second."""
        self._follow(now_ns)
        trouble = self._trouble(now_ns)
        if self._is_critical and self.is_forced and self.current is not CRISIS:
            self.forced_until_ns = 0
            ended = f"{trouble}, which ends the forced {self.current.name}"
            return self._enter(CRISIS, ended, now_ns)
        if self.is_forced:
            if now_ns < self.forced_until_ns:
                return None
            self.forced_until_ns = 0
            return self._enter(WAKE, "the forced state has ended", now_ns)
        if trouble:
            return None if self.current is CRISIS else self._enter(CRISIS, trouble, now_ns)
        if self._dwelt_s(now_ns) < LEAST_DWELL_S[self.current]:
            return None
        wanted = self._wanted(now_ns)
        return None if wanted is None else self._enter(*wanted, now_ns)

    def force(self, state: MetabolicState, duration_s: float, now_ns: int) -> Transition:
        """Enter a state, and stay in it for so long; only critical memory pressure ends it.

        Raises:
            InvalidInput: a duration that is not above 0, or longer than a day; or another state
                than CRISIS while the memory pressure is critical.
        """
        if not (math.isfinite(duration_s) and 0.0 < duration_s <= LONGEST_FORCED_S):
            raise InvalidInput("duration_s", duration_s, f"above 0, at most {LONGEST_FORCED_S:g}")
        if self._is_critical and state is not CRISIS:
            raise InvalidInput("state", state.name, "CRISIS while memory pressure is critical")
        self._follow(now_ns)
        before = f", instead of {self.current.name}, which was forced" if self.is_forced else ""
        if state is not CRISIS and (cause := self._crisis_cause(now_ns)):
            before += f"; it overrides CRISIS: {cause}"
        self.forced, self.forced_until_ns = state, now_ns + round(duration_s * _NS_PER_S)
        return self._enter(state, f"forced for {duration_s:g} s{before}", now_ns)

    def resume_forced(self, now_ns: int) -> Transition | None:
        """A state that was forced before a restart goes on if time remains; else it is said."""
        if self._begun or not self.is_forced:
            return None
        left_ns, self.forced_until_ns = self.forced_until_ns - now_ns, 0
        self._follow(now_ns)
        if 0 < left_ns <= LONGEST_FORCED_S * _NS_PER_S:
            self.forced_until_ns = now_ns + left_ns
            left = f"forced before a restart, for {_seconds(left_ns):.0f} s more"
            return self._enter(self.forced, left, now_ns)
        ended = f"the graph has started; {self.forced.name}, forced before, has ended"
        return self._enter(WAKE, ended, now_ns)

    def release(self, now_ns: int) -> Transition | None:
        """Govern by the rules again; None: no state was forced."""
        if not self.is_forced:
            return None
        self.forced_until_ns = 0
        return self._enter(WAKE, "no longer forced", now_ns)

    # The rules, one for each state.

    def _wanted(self, now_ns: int) -> tuple[MetabolicState, str] | None:
        if self.current is WAKE:
            return self._from_wake(now_ns)
        if self.current is FOCUS:
            return self._from_focus(now_ns)
        if self.current is CRISIS:
            clear_s = _seconds(now_ns - (self._trouble_ns or self.since_ns))
            clear = clear_s >= LEAST_DWELL_S[CRISIS]
            return (WAKE, f"memory and energy suffice for {clear_s:.0f} s") if clear else None
        if self._heard.is_silent(now_ns):
            return WAKE, f"no valid salience for {DEAF_S:g} s: awake to be safe"
        return self._from_rest(now_ns) if self.current is REST else self._from_dream(now_ns)

    def _from_wake(self, now_ns: int) -> tuple[MetabolicState, str] | None:
        if self._heard.is_silent(now_ns):
            return None
        engaged_s = self._heard.engaged_s(now_ns)
        focused = self._focused_ns
        may_focus = focused is None or _seconds(now_ns - focused) >= FOCUS_AGAIN_S
        if engaged_s >= ENGAGED_S and may_focus and not self._tired:
            return FOCUS, f"something salient goes on for {engaged_s:.1f} s"
        idle_s = _seconds(now_ns - self._heard.stirred_ns)
        after_s = self._rules.rest_after_s / self._haste(REST, now_ns)
        if idle_s >= after_s and not self._tired:
            return REST, f"nothing salient for {idle_s:.0f} s{self._night_words(now_ns)}"
        if idle_s >= after_s / TIRED_FACTOR and self._tired:
            reading = self.energy.reading(now_ns)
            left = f"{reading.reserve:.0%} of the energy is left by {reading.source}"
            return REST, f"tired: {left}, and nothing salient for {idle_s:.0f} s"
        return None

    def _from_focus(self, now_ns: int) -> tuple[MetabolicState, str] | None:
        # What was salient while the robot could not focus yet is no reason to end at once.
        calm_s = _seconds(now_ns - max(self._heard.salient_ns or 0, self.since_ns))
        if self._tired:
            return WAKE, "tired: no energy for more than being awake"
        if calm_s >= self._rules.focus_hold_s:
            return WAKE, f"nothing salient for {calm_s:.1f} s"
        if self._dwelt_s(now_ns) >= LONGEST_FOCUS_S:
            return WAKE, f"focused for {LONGEST_FOCUS_S:g} s, which is the most"
        return None

    def _from_rest(self, now_ns: int) -> tuple[MetabolicState, str] | None:
        quiet_s, dreamt = _seconds(now_ns - self._heard.rare_ns), self._dreamt_ns
        due = dreamt is None or _seconds(now_ns - dreamt) >= self._rules.dream_every_s
        after_s = self._rules.dream_after_s / self._haste(DREAM, now_ns)
        if due and quiet_s >= after_s and not self._tired:
            return DREAM, f"nothing rare for {quiet_s:.0f} s{self._night_words(now_ns)}"
        return None

    def _from_dream(self, now_ns: int) -> tuple[MetabolicState, str] | None:
        dwelt_s = self._dwelt_s(now_ns)
        return (WAKE, f"slept for {dwelt_s:.0f} s") if dwelt_s >= self._rules.dream_s else None

    # What they look at.

    @property
    def _is_critical(self) -> bool:
        return self._pressure >= PressureLevel.CRITICAL

    def _crisis_cause(self, now_ns: int) -> str:
        """Why there is a crisis, or would be if no state was forced; empty: nothing makes one."""
        trouble = self._trouble(now_ns)
        goes_on = self.current is CRISIS and not self.is_forced
        return trouble or (f"it began with: {self.reason}" if goes_on else "")

    def _trouble(self, now_ns: int) -> str:
        """Why there is a crisis, in words; empty: there is none. Notes how tired the robot is."""
        energy = self.energy.reading(now_ns)
        scarce = not energy.charging
        below = EXHAUSTED if not self._exhausted else RECOVERED
        self._exhausted = energy.battery is not None and scarce and energy.battery <= below
        self._tired = scarce and energy.reserve <= (RESTED if self._tired else TIRED)
        said = ""
        if self._pressure >= self._rules.crisis_pressure:
            said = f"memory pressure is {self._pressure_name}"
        elif self._exhausted:
            was = "was last" if energy.fault else "is"
            said = f"the battery {was} at {energy.battery:.0%}"
        if said:
            self._trouble_ns = now_ns
        return said

    def _haste(self, state: MetabolicState, now_ns: int) -> float:
        night = self._rules.is_night(now_ns)
        return self._policies[state].night_factor if night else 1.0

    def _night_words(self, now_ns: int) -> str:
        return ", at night" if self._rules.is_night(now_ns) else ""

    def _dwelt_s(self, now_ns: int) -> float:
        return _seconds(now_ns - self.since_ns)

    def _follow(self, now_ns: int) -> None:
        if not self._begun or now_ns < self._now_ns:
            self._begin(now_ns)
        self._now_ns = now_ns

    def _begin(self, now_ns: int) -> None:
        """Time starts, or starts again: all that was timed begins here."""
        forced_ns = max(self.forced_until_ns - self._now_ns, 0)
        self._begun = True
        self.since_ns = now_ns
        self._heard.begin(now_ns)
        self._focused_ns = self._dreamt_ns = self._trouble_ns = None
        if self.is_forced:
            self.forced_until_ns = now_ns + forced_ns

    def _enter(self, state: MetabolicState, reason: str, now_ns: int) -> Transition:
        if self.current is FOCUS:
            self._focused_ns = now_ns
        if self.current is DREAM:
            self._dreamt_ns = now_ns
        if state is WAKE:
            self._heard.stirred_ns = now_ns  # who is awake looks around first
        transition = Transition(now_ns, self.current, state, reason)
        self.current, self.reason, self.since_ns = state, reason, now_ns
        self.transitions.append(transition)
        return transition


def _seconds(duration_ns: int) -> float:
    return duration_ns / _NS_PER_S
