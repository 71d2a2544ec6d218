"""What the orchestrator keeps of one plugin."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sage_common.core.errors import CannotContinue
from sage_common.core.state.fields import Declared, Transient
from sage_orchestrator.core.budget.allocation import Demand
from sage_orchestrator.core.budget.atp import to_ns
from sage_orchestrator.core.budget.trust import Trust
from sage_orchestrator.core.hosting.process_plugin import ProcessPlugin
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import TriggerRule
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreaker
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.core.scheduling.trigger import Trigger

_NS_PER_S = 1_000_000_000
_DELIVERIES_KEPT = 64


class Change(NamedTuple):
    """What becomes of a plugin as soon as it is at rest.

    Attributes:
        setup, plugin: what takes its place; None: it leaves.
        done: set when that has happened, and what was there before is unloaded.
    """

    setup: PluginSetup | None
    plugin: Plugin[Any] | None
    done: Future[None]


@dataclass
class PluginRuntime(Declared):
    """One plugin: its instance, its trust, what it is doing now, and what it owes.

    Attributes:
        plugin: None until its worker made one; a hung thread keeps the old instance for itself.
        paused: the run waits for the next cycle's share.
        pending: the trigger that the next run is about.
        submitted_ns: when the run was handed to the worker.
        last_stamp_ns: of the newest trigger that it worked on.
        delivered: capture times of what it delivered results about, newest last.
        ended_idle: why its process ended while it did nothing, since its last run; in words.
        change: what becomes of it when it is at rest; None: it stays as it is.
    """

    setup: PluginSetup
    trust: Trust
    breaker: Transient[CircuitBreaker]
    plugin: Plugin[Any] | None = None
    loaded: bool = False
    run: Run | None = None
    paused: bool = False
    pending: Trigger | None = None
    job: Job | None = None
    submitted_ns: Transient[int] = 0
    started_ns: Transient[int | None] = None
    last_stamp_ns: Transient[int | None] = None
    debt_ns: Transient[int] = 0
    credit_ns: Transient[int] = 0
    salience: Transient[float] = 0.0
    state: Transient[PluginState] = PluginState.IDLE
    reason: Transient[str] = ""
    steps: Transient[int] = 0
    energy: Transient[float] = 0.0
    delivered: deque[int] = field(default_factory=lambda: deque(maxlen=_DELIVERIES_KEPT))
    ended_idle: str = ""
    change: Change | None = None

    @property
    def name(self) -> str:
        """Of the plugin."""
        return self.setup.spec.name

    @property
    def process(self) -> ProcessPlugin | None:
        """The plugin, if it has a process of its own."""
        return self.plugin if isinstance(self.plugin, ProcessPlugin) else None

    @property
    def trouble(self) -> str:
        """What is wrong with it, in words; empty: nothing."""
        idle = f"while it did nothing: {self.ended_idle}" if self.ended_idle else ""
        return "; ".join(words for words in (self.breaker.trouble, idle) if words)

    @property
    def is_at_rest(self) -> bool:
        """Whether it neither works nor is to work."""
        return self.run is None and self.job is None

    def check_can_suspend(self) -> None:
        if not self.is_at_rest:
            raise CannotContinue(f"plugin {self.name} is at work")

    @property
    def in_flight(self) -> bool:
        """Whether its worker is at work."""
        return self.run is not None and not self.paused

    def asks(self, triggers: Sequence[Trigger], policy: CyclePolicy, now_ns: int) -> bool:
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
        choice = self._choose(triggers, policy, now_ns)
        if isinstance(choice, str):
            self.state, self.reason, self.salience = PluginState.IDLE, choice, 0.0
            return False
        self.pending, self.salience = choice, choice.salience
        return True

    def demand(self) -> Demand:
        """What it asks for."""
        if self.job is None:
            requested_ns = to_ns(self.setup.parameters.request_atp)
        else:
            done_ns = 0 if self.run is None else self.run.spent_ns
            requested_ns = max(0, self.job.limit_ns - done_ns)
        return Demand(
            self.name, self.trust.value, self.salience, requested_ns, self.debt_ns, self.credit_ns
        )

    def _choose(
        self, triggers: Sequence[Trigger], policy: CyclePolicy, now_ns: int
    ) -> Trigger | str:
        """The trigger to work on next, or why there is none, in words."""
        if self.change is not None:
            return "is being unloaded"
        if not policy.admits(self.name):
            return "the policy in force does not admit it"
        parameters, rules = self.setup.parameters, self.setup.spec.triggers
        fitting = [t for t in triggers if any(_fits(t, rule) for rule in rules)]
        new = [trigger for trigger in fitting if trigger.stamp_ns != self.last_stamp_ns]
        if not new:
            kinds = dict.fromkeys(rule.kind for rule in rules)
            return f"no new {' or '.join(kinds)} to work on"
        best = max(new, key=lambda trigger: trigger.salience)
        most = parameters.false_alarms_per_hour
        if best.alarms_per_hour > most:
            rate = best.alarms_per_hour
            often = f"{rate:,.0f}" if rate >= 10.0 else f"{rate:.2g}"
            said = f"salience {best.salience:.2f} comes {often} times an hour while nothing happens"
            return f"{said}; it works on {most:g} or fewer"
        period_ns = round(parameters.period_s * _NS_PER_S)
        if self.started_ns is not None and now_ns - self.started_ns < period_ns:
            return f"runs at most every {parameters.period_s:g} s"
        return best


def _fits(trigger: Trigger, rule: TriggerRule) -> bool:
    if trigger.kind != rule.kind:
        return False
    if rule.modalities:
        return trigger.modality in rule.modalities
    return trigger.kind == "attention" or trigger.dominant
