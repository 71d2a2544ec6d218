"""What the orchestrator keeps of one plugin."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sage_common.core.errors import CannotContinue
from sage_orchestrator.core.budget.allocation import Demand
from sage_orchestrator.core.budget.atp import to_ns
from sage_orchestrator.core.budget.trust import Trust
from sage_orchestrator.core.plugin.interface import Interest, Plugin
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreaker
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.trigger import Trigger

_NS_PER_S = 1_000_000_000
_DELIVERIES_KEPT = 64
_AT_REST = (
    "submitted_ns", "started_ns", "last_stamp_ns", "debt_ns", "credit_ns", "salience", "reason",
    "steps", "energy",
)  # fmt: skip


@dataclass
class PluginRuntime:
    """One plugin: its instance, its trust, what it is doing now, and what it owes.

    Attributes:
        plugin: None until its worker made one; a hung thread keeps the old instance for itself.
        paused: the run waits for the next cycle's share.
        pending: the trigger that the next run is about.
        submitted_ns: when the run was handed to the worker.
        last_stamp_ns: of the newest trigger that it worked on.
        delivered: capture times of what it delivered results about, newest last.
    """

    name: str
    create: Callable[[], Plugin[Any]]
    interest: Interest
    trust: Trust
    breaker: CircuitBreaker
    plugin: Plugin[Any] | None = None
    loaded: bool = False
    run: Run | None = None
    paused: bool = False
    pending: Trigger | None = None
    job: Job | None = None
    submitted_ns: int = 0
    started_ns: int | None = None
    last_stamp_ns: int | None = None
    debt_ns: int = 0
    credit_ns: int = 0
    salience: float = 0.0
    state: PluginState = PluginState.IDLE
    reason: str = ""
    steps: int = 0
    energy: float = 0.0
    delivered: deque[int] = field(default_factory=lambda: deque(maxlen=_DELIVERIES_KEPT))

    def present(self) -> dict[str, Any]:
        """What it did last and owes, while it is at rest.

        Raises:
            CannotContinue: it is at work, or given a job.
        """
        if self.run is not None or self.job is not None:
            raise CannotContinue(f"plugin {self.name} is at work")
        own = {name: getattr(self, name) for name in _AT_REST}
        return {**own, "state": int(self.state), "isolation": self.breaker.state()}

    def restore_present(self, present: Mapping[str, Any]) -> None:
        """Continue from `present()`."""
        for name in _AT_REST:
            setattr(self, name, present[name])
        self.state = PluginState(present["state"])
        self.breaker.restore(present["isolation"])

    @property
    def in_flight(self) -> bool:
        """Whether its worker is at work."""
        return self.run is not None and not self.paused

    def asks(self, triggers: Sequence[Trigger], now_ns: int) -> bool:
        """Whether it wants compute now; notes what for, or why it does not."""
        if self.run is not None:
            return True
        self.steps, self.energy, self.pending = 0, 0.0, None
        if self.breaker.isolated(now_ns):
            self.state, self.reason = PluginState.ISOLATED, self.breaker.reason(now_ns)
            return False
        if self.job is not None:
            self.salience = 1.0
            return True
        choice = self._choose(triggers, now_ns)
        if isinstance(choice, str):
            self.state, self.reason, self.salience = PluginState.IDLE, choice, 0.0
            return False
        self.pending, self.salience = choice, choice.salience
        return True

    def demand(self) -> Demand:
        """What it asks for."""
        if self.job is None:
            requested_ns = to_ns(self.interest.request_atp)
        else:
            done_ns = 0 if self.run is None else self.run.spent_ns
            requested_ns = max(0, self.job.limit_ns - done_ns)
        return Demand(
            self.name, self.trust.value, self.salience, requested_ns, self.debt_ns, self.credit_ns
        )

    def _choose(self, triggers: Sequence[Trigger], now_ns: int) -> Trigger | str:
        """The trigger to work on next, or why there is none, in words."""
        interest = self.interest
        fitting = [trigger for trigger in triggers if self._fits(trigger)]
        new = [trigger for trigger in fitting if trigger.stamp_ns != self.last_stamp_ns]
        if not new:
            return f"no new {interest.trigger} to work on"
        best = max(new, key=lambda trigger: trigger.salience)
        if best.salience < interest.min_salience:
            return f"salience {best.salience:.2f} is below its {interest.min_salience:.2f}"
        period_ns = round(interest.period_s * _NS_PER_S)
        if self.started_ns is not None and now_ns - self.started_ns < period_ns:
            return f"runs at most every {interest.period_s:g} s"
        return best

    def _fits(self, trigger: Trigger) -> bool:
        if trigger.kind != self.interest.trigger:
            return False
        if self.interest.modality:
            return trigger.modality == self.interest.modality
        return trigger.kind == "attention" or trigger.dominant
