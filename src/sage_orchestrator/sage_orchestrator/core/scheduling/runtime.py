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
from sage_orchestrator.core.choice.curve import QualityCostCurve, Segment
from sage_orchestrator.core.choice.history import RunHistory
from sage_orchestrator.core.hosting.process_plugin import ProcessPlugin
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import TriggerRule
from sage_orchestrator.core.plugin.task import Task
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreaker
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.core.scheduling.trigger import Trigger

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000
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
        waits: the run waits for its turn.
        starved: the run waits for what others leave of their shares.
        pending: the trigger that the next run is about.
        waiting_jobs: that wait until the one that it has is done, next one first.
        refused_jobs: in a row, because by estimate they could not be answered.
        asked_ns: when it first asked for the run that it has or wants.
        deadline_ns: when the mandatory part of its run must be done; None: it has no run.
        submitted_ns: when the run was handed to the worker.
        stopped_ns: when the run was paused, or began to wait.
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
    waits: bool = False
    starved: bool = False
    pending: Trigger | None = None
    job: Job | None = None
    waiting_jobs: list[Job] = field(default_factory=list)
    history: RunHistory = field(default_factory=RunHistory)
    asked_ns: Transient[int | None] = None
    deadline_ns: Transient[int | None] = None
    submitted_ns: Transient[int] = 0
    stopped_ns: Transient[int] = 0
    started_ns: Transient[int | None] = None
    last_stamp_ns: Transient[int | None] = None
    debt_ns: Transient[int] = 0
    credit_ns: Transient[int] = 0
    salience: Transient[float] = 0.0
    state: Transient[PluginState] = PluginState.IDLE
    reason: Transient[str] = ""
    steps: Transient[int] = 0
    energy: Transient[float] = 0.0
    refused_jobs: int = 0
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
    def weight(self) -> float:
        """What its gains count: trust x salience."""
        return self.trust.value * self.salience

    @property
    def in_flight(self) -> bool:
        """Whether its worker is at work."""
        return self.run is not None and not (self.paused or self.waits or self.starved)

    def held_ns(self, now_ns: int) -> int:
        """For how long its worker has been at the step, or the loading, under way [ns]."""
        began_ns = None if self.run is None else self.run.step_began_ns
        return now_ns - (self.submitted_ns if began_ns is None else began_ns)

    @property
    def answers(self) -> int:
        """Answers that its run has, the first and one a step."""
        return 0 if self.run is None else len(self.run.history.energies)

    @property
    def is_mandatory(self) -> bool:
        """Whether the mandatory part of its run is still to be done."""
        return self.answers <= self.setup.spec.mandatory_steps

    @property
    def curve(self) -> QualityCostCurve:
        """What is expected of the run that it has or wants."""
        return self.history.curve(self._modality)

    def next_segment(self) -> Segment:
        """What the next step of its run gains, and what it costs."""
        energies = [] if self.run is None else self.run.history.energies
        return self.curve.next_segment(len(energies), energies[-1] if energies else None)

    def mandatory_bound_ns(self, modality: str) -> int:
        """What the mandatory part of a run costs at most, nine times of ten; 0: hardly any ran."""
        first_ns, curve = self.history.first_bound_ns(modality), self.history.curve(modality)
        if first_ns is None:
            return 0
        return first_ns + curve.cost_ns(self.setup.spec.mandatory_steps) - curve.cost_ns(0)

    def asks(self, triggers: Sequence[Trigger], policy: CyclePolicy, now_ns: int) -> bool:
        """Whether it wants compute now; notes what for, or why it does not."""
        if self.run is not None and not self._takes_newer(triggers, policy, now_ns):
            return True
        self.steps, self.energy, self.pending = 0, 0.0, None
        if self.breaker.isolated(now_ns):
            self.state, self.reason = PluginState.ISOLATED, self.breaker.reason(now_ns)
            return False
        if self.job is not None:
            self.salience = 1.0
            self._ask(self.job.timeout_ns, now_ns)
            return True
        choice = self._choose(triggers, policy, now_ns)
        if isinstance(choice, str):
            self.state, self.reason, self.salience = PluginState.IDLE, choice, 0.0
            self.asked_ns = self.deadline_ns = None
            return False
        self.pending, self.salience = choice, choice.salience
        given_ns = round(self.setup.parameters.deadline_ms * _NS_PER_MS)
        self._ask(given_ns or policy.timeout_ns, now_ns)
        return True

    def _ask(self, within_ns: int, now_ns: int) -> None:
        """Note since when it asks: who waits for long is served though others matter more."""
        if self.asked_ns is None:
            self.asked_ns = now_ns
        self.deadline_ns = self.asked_ns + within_ns

    def _takes_newer(self, triggers: Sequence[Trigger], policy: CyclePolicy, now_ns: int) -> bool:
        """Drop a run that has not begun for a trigger that matters as much; whether it did."""
        run = self.run
        if run is None or not self.waits or run.began_ns is not None or self.job is not None:
            return False
        choice = self._choose(triggers, policy, now_ns)
        if isinstance(choice, str) or choice.salience < self.salience:
            return False
        self.run, self.waits = None, False
        return True

    def demand(self) -> Demand:
        """What it asks for."""
        if self.job is None:
            requested_ns = to_ns(self.setup.parameters.request_atp)
        else:
            done_ns = 0 if self.run is None else self.run.spent_ns
            requested_ns = max(0, self.job.limit_ns - done_ns)
        curve, mandatory = self.curve, self.setup.spec.mandatory_steps + 1
        left = range(self.answers, mandatory) if curve.steps else range(0)
        return Demand(
            self.name, self.trust.value, self.salience, requested_ns, self.debt_ns, self.credit_ns,
            sum(curve.step(number).cost_ns for number in left),
            curve.segments(max(self.answers, mandatory)), curve.open_ended,
        )  # fmt: skip

    def assignment(self, policy: CyclePolicy) -> tuple[Task, int, int | None]:
        """What its next run is about, the timeout of that, and the limit over cycles [ns]."""
        if self.job is not None:
            return self.job.task, self.job.timeout_ns, self.job.limit_ns
        trigger = self.pending
        if trigger is None:
            raise AssertionError(f"{self.name} starts without a trigger or a job")
        self.last_stamp_ns = trigger.stamp_ns
        task = Task(
            trigger.stamp_ns, trigger.modality, trigger.source, trigger.salience, trigger.region
        )
        return task, policy.timeout_ns, None

    def learn(self, run: Run, result: RunResult, now_ns: int, hung: bool) -> None:
        """What trust, estimates and circuit breaker learn of a run that ended.

        Args:
            hung: it left a thread behind.
        """
        if result.state.failed:
            self.breaker.failed(now_ns, result.reason, hung)
            self.trust.learn_failure()
            return
        if run.history.energies:
            self.history.learn(
                run.task.stamp_ns, run.task.modality, result.halted,
                run.costs_ns, run.history.energies,
            )  # fmt: skip
        self.breaker.succeeded()
        self.delivered.append(run.task.stamp_ns)
        if result.quality is not None:
            self.trust.learn_run(result.quality)
        elif run.history.energies:
            self.trust.learn_first_answer(result.halted)

    @property
    def _modality(self) -> str:
        if self.run is not None:
            return self.run.task.modality
        if self.job is not None:
            return self.job.task.modality
        return "" if self.pending is None else self.pending.modality

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
        most = parameters.false_alarms_per_hour * policy.alarms_share
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
