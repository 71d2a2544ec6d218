"""Metabolic states: simulated lives of the core alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_orchestrator.core.metabolism.energy import EnergyReserve
from sage_orchestrator.core.metabolism.metabolism import Metabolism
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.state_parameters import TransitionParameters, policies_of

CYCLE_NS, NS_PER_H = 100_000_000, 3_600_000_000_000
CYCLES, CYCLES_QUICK = 100_000, 20_000
RED, USUAL = 3, 36_000.0
WAKE, FOCUS, REST, DREAM, CRISIS = MetabolicState
BEGIN_NS = 20_000 * 24 * NS_PER_H
KNOWN_NS = NS_PER_H
NOTE = (
    "states, simulated: the core alone, ten cycles of 0.1 s a second, default parameters. Random: "
    "regimes of 1 to 60 s of any salience, load, pressure and battery (nonsense too), and now and "
    "then 15 minutes of quiet. Adversary: in each state what leaves it soonest. A trap is a probe "
    "(causes gone, one minute of quiet, then a bang) after which the robot is not awake"
)


class Input(NamedTuple):
    """What a cycle brings: a rate of alarms [1/h], a pressure level and a load [of the budget]."""

    alarms_per_hour: float
    pressure: int
    load: float
    battery: float | None = None


@dataclass
class Life:
    """A metabolism that is lived, and what was seen of it."""

    metabolism: Metabolism
    now_ns: int = BEGIN_NS
    cycles: Counter[MetabolicState] = field(default_factory=Counter)
    left: Counter[MetabolicState] = field(default_factory=Counter)

    @classmethod
    def begun(cls) -> Life:
        """With default parameters, by a robot that knows what is usual."""
        rules = TransitionParameters().rules()
        life = cls(Metabolism(rules, policies_of({}), EnergyReserve(0.0, 1.0)))
        life.metabolism.assume_experience(KNOWN_NS)
        return life

    def live(self, inputs: Iterable[Input]) -> None:
        """One cycle for each input."""
        own = self.metabolism
        for given in inputs:
            self.now_ns += CYCLE_NS
            before = own.current
            own.hear_pressure(given.pressure, "red" if given.pressure >= RED else "green")
            if given.battery is not None:
                own.energy.hear_battery(given.battery, False, self.now_ns)
            own.hear_salience(given.alarms_per_hour, True, "a bang", self.now_ns)
            own.energy.spend(round(given.load * CYCLE_NS))
            own.evaluate(self.now_ns)
            self.cycles[before] += 1
            self.left[before] += own.current is not before

    @property
    def learning_share(self) -> float:
        """Share of the cycles in which scorers learn."""
        policies = policies_of({})
        learning = sum(n for state, n in self.cycles.items() if policies[state].learning)
        return learning / self.cycles.total()

    @property
    def per_hour(self) -> float:
        """Transitions an hour."""
        return self.left.total() / (self.cycles.total() * CYCLE_NS / NS_PER_H)

    def escapes(self) -> bool:
        """Whether it is awake after causes are gone, a minute of quiet, and a bang."""
        self.metabolism.energy.hear_battery(1.0, False, self.now_ns)
        self.live(Input(USUAL, 0, 0.0) for _ in range(600))
        self.live([Input(0.01, 0, 0.0)])
        return self.metabolism.current in (WAKE, FOCUS)


def rows(setting: Setting) -> Figures:
    """Shares, traps and transitions of simulated lives."""
    cycles = CYCLES_QUICK if setting.quick else CYCLES
    random = _random_life(cycles)
    adverse = _adverse_life(cycles)
    found = [
        *_rows_of("random", random),
        *_rows_of("adversary", adverse, learns=False),
    ]
    return Figures(tuple(found), (NOTE,))


def _rows_of(name: str, lived: tuple[Life, int], learns: bool = True) -> Iterator[Row]:
    life, traps = lived
    total = life.cycles.total()
    for state in MetabolicState:
        yield Row(f"states, {name}: share of {state.name}", life.cycles[state] / total, "")
    both = sum(life.cycles[state] > 0 and life.left[state] > 0 for state in MetabolicState)
    goal = 5 if name.startswith("random") else None
    yield Row(f"states, {name}: reached and left, of 5", both, "", goal, "higher", samples=total)
    yield Row(f"states, {name}: traps", traps, "", 0, samples=total)
    least = 0.2 if learns else None
    yield Row(f"states, {name}: share with learning", life.learning_share, "", least, "higher")
    yield Row(f"states, {name}: transitions an hour", life.per_hour, "1/h")


def _random_life(cycles: int) -> tuple[Life, int]:
    generator, life, traps = np.random.default_rng(1), Life.begun(), 0
    while life.cycles.total() < cycles:
        if generator.random() < 0.03:
            life.live(Input(USUAL, 0, 0.2) for _ in range(9000))
            continue
        rate = float(10.0 ** generator.uniform(-2.0, 4.5))
        pressure = int(generator.choice([0, 0, 0, 1, 2, RED, 4]))
        load, share = float(generator.uniform(0.0, 1.5)), float(generator.uniform(-0.3, 1.3))
        battery = generator.choice([None, None, None, share, math.nan])
        regime = [Input(rate, pressure, load, battery)] + [Input(rate, pressure, load)] * int(
            generator.integers(10, 600)
        )
        life.live(regime)
        if generator.random() < 0.1:
            traps += not life.escapes()
    return life, traps


def _adverse_life(cycles: int) -> tuple[Life, int]:
    """In each state what leaves it soonest, every kind of cause for some time."""
    life, traps = Life.begun(), 0
    strategies: list[Callable[[MetabolicState, int], Input]] = [
        lambda state, n: Input(0.01 if state in (REST, DREAM) else USUAL, 0, 0.0),
        lambda state, n: Input(USUAL, 0 if state is CRISIS else RED, 0.0),
        lambda state, n: Input(USUAL, 0, 0.0, 0.16 if state is CRISIS else 0.09),
        lambda state, n: Input(0.01, 0, 1.5),
        lambda state, n: Input(USUAL, 0, 1.5),
        lambda state, n: Input(0.01 if n % 25 == 0 else USUAL, 0, 0.5),
        lambda state, n: Input(USUAL if state is FOCUS else 0.01, 0, 0.0),
    ]
    for strategy in strategies:
        for number in range(cycles // len(strategies)):
            life.live([strategy(life.metabolism.current, number)])
        traps += not life.escapes()
    return life, traps
