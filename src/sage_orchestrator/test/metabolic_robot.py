"""A robot whose metabolic state follows what it senses, without ROS."""

from __future__ import annotations

from sage_orchestrator.core.metabolism.energy import EnergyReserve
from sage_orchestrator.core.metabolism.metabolism import Metabolism
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.state_parameters import TransitionParameters, policies_of

NS, S = 1, 1_000_000_000
WAKE, FOCUS, REST, DREAM, CRISIS = MetabolicState
POLICIES = policies_of({})
NOON_NS = 12 * 3600 * S
RED = 3


class Robot:
    """A metabolism with a clock of its own."""

    def __init__(self, rated_power_w: float = 0.0, **changed: float) -> None:
        rules = TransitionParameters(**changed).rules()  # type: ignore[arg-type]
        self.energy = EnergyReserve(rated_power_w, 1.0)
        self.metabolism = Metabolism(rules, POLICIES, self.energy)
        self.now_ns = NOON_NS
        self.metabolism.assume_experience(24 * 3600 * S)
        self.loudest = 36_000.0

    def live(self, seconds: float, alarms_per_hour: float | None = None, load: float = 0.3) -> None:
        """Ten times a second something is sensed, and a cycle passes."""
        for _ in range(round(seconds * 10)):
            self.now_ns += S // 10
            rate = self.loudest if alarms_per_hour is None else alarms_per_hour
            self.metabolism.hear_salience(rate, True, "audio: a bang", self.now_ns)
            self.energy.spend(round(load * S / 10))
            self.metabolism.evaluate(self.now_ns)

    @property
    def state(self) -> MetabolicState:
        return self.metabolism.current
