"""A week of the states' core alone: each tick's state, and what that takes of a battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sage_bench.budget.states.week_plan import TICKS_PER_H, TICKS_PER_S, Day
from sage_common.core.health import PressureLevel
from sage_orchestrator.core.metabolism.energy import EnergyReserve
from sage_orchestrator.core.metabolism.metabolism import Metabolism
from sage_orchestrator.core.metabolism.policy import StatePolicy
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.metabolism.transition import Transition
from sage_orchestrator.state_parameters import TransitionParameters, policies_of

TICK_NS, NS_PER_H = 100_000_000, 3_600_000_000_000
BEGIN_NS = 20_000 * 24 * NS_PER_H
KNOWN_NS = NS_PER_H
NIGHT_H = (22.0, 6.5)
CAMERA_HZ = 30.0
BUSY_PER_H, WANTED_BUSY, WANTED_IDLE = 600.0, 1.5, 0.2
"""While a tick is as rare as the first [1/h], plugins want the second part of the budget."""
BODY, SENSES = 0.3, 0.4
"""Parts of the power of a robot that is awake and spends its whole budget."""
LASTS_H, CHARGES_H = 12.0, 4.0
"""With such a power a full battery lasts so long; an empty one is full again after so long."""
POLICIES: Mapping[MetabolicState, StatePolicy] = policies_of({})


@dataclass
class Lived:
    """What came of some time, ten times a second.

    Attributes:
        states: after each tick, uint8 [T].
        battery: after each tick, [0, 1], float64 [T].
        spent: compute, as a part of the nominal budget, float64 [T].
        power: as a part of that of a robot that is awake and spends its whole budget, float64 [T].
    """

    states: NDArray[np.uint8]
    battery: NDArray[np.float64]
    spent: NDArray[np.float64]
    power: NDArray[np.float64]


@dataclass
class WeekLife:
    """A robot with default parameters and a night, that knows what is usual.

    The battery is simulated: its power is that of the body, of the senses in proportion to the rate
    of the camera, and of what plugins spend, who want 1.5 times the budget while something goes on.

    Attributes:
        governed: False: always WAKE.
        transitions: all, in order.
    """

    governed: bool = True
    battery: float = 1.0
    now_ns: int = BEGIN_NS
    transitions: list[Transition] = field(default_factory=list)

    def __post_init__(self) -> None:
        night = dict(zip(("night_begin_h", "night_end_h"), NIGHT_H, strict=True))
        rules = TransitionParameters(**night).rules()
        self.metabolism = Metabolism(rules, POLICIES, EnergyReserve(0.0, 1.0))
        self.metabolism.assume_experience(KNOWN_NS)

    def live(self, day: Day) -> Lived:
        """Live through a day."""
        size = len(day.alarms_per_hour)
        lived = Lived(np.zeros(size, np.uint8), np.empty(size), np.empty(size), np.empty(size))
        for begin in range(0, size, TICKS_PER_S):
            self._second(day, slice(begin, min(begin + TICKS_PER_S, size)), lived)
        return lived

    def _second(self, day: Day, second: slice, lived: Lived) -> None:
        own, first = self.metabolism, second.start
        docked, level = bool(day.docked[first]), PressureLevel(int(day.pressure[first]))
        own.hear_pressure(level, level.word)
        own.energy.hear_battery(self.battery, docked, self.now_ns)
        rates = day.alarms_per_hour[second].tolist()
        for tick, rate in enumerate(rates, first):
            self.now_ns += TICK_NS
            if self.governed:
                self._note(own.hear_salience(rate, True, "a recorded scene", self.now_ns))
                self._note(own.evaluate(self.now_ns))
            wanted = WANTED_BUSY if rate <= BUSY_PER_H else WANTED_IDLE
            lived.spent[tick] = min(wanted, own.policy.budget_share)
            lived.states[tick] = own.current
        power = lived.power[second] = self._power(lived.spent[second])
        gain_h = 1.0 / CHARGES_H if docked else -power / LASTS_H
        change = gain_h * len(rates) / TICKS_PER_H
        self.battery = lived.battery[second] = min(max(self.battery + change, 0.0), 1.0)

    def _note(self, transition: Transition | None) -> None:
        if transition is not None:
            self.transitions.append(transition)

    def _power(self, spent: NDArray[np.float64]) -> float:
        limit_hz = self.metabolism.policy.max_camera_rate_hz
        senses = limit_hz / CAMERA_HZ if limit_hz else 1.0
        return BODY + SENSES * senses + (1.0 - BODY - SENSES) * float(spent.mean())
