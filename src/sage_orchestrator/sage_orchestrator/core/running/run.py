"""One run: a plugin at work on one task, on the plugin's worker thread."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sage_common.core.errors import InvalidInput, words_of
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.budget.meter import Meter
from sage_orchestrator.core.budget.trust import RunQuality, monotonicity
from sage_orchestrator.core.hosting.interruption import Interruptible, StepInterrupted
from sage_orchestrator.core.hosting.limits import GRACE_S, ProcessEnded
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.interface import NothingToDo, Plugin
from sage_orchestrator.core.plugin.task import Task
from sage_orchestrator.core.running.answer import checked_details, checked_reason, checked_result
from sage_orchestrator.core.running.recognised import recognised
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.running.words import recognised_words

ENERGIES_REPORTED = 256
_NS_PER_S = 1_000_000_000
_ENERGY_TOLERANCE = 1e-4
_CONVERGENCE = {"halted": 1.0, "budget": 0.9, "steps": 0.5}
"""Stopped for want of budget is hardly the plugin's fault; out of steps without settling is."""


class BudgetBroker(Protocol):
    """Who pays for a run; safe to call from a worker."""

    def prepare(self, run: Run) -> Plugin[Any]:
        """The plugin, loaded."""

    def charge(self, run: Run, cost_ns: int) -> bool:
        """Book cost of the step under way; False: the account is empty."""

    def remaining_ns(self, run: Run) -> int: ...

    def yields(self, run: Run) -> bool:
        """Whether another run should go on before this one."""

    def may_receive(self, run: Run) -> bool:
        """Whether another run may still leave some of its share."""

    def pause(self, run: Run) -> None:
        """The run goes on later: when it is its turn, or when there is budget."""

    def finish(self, run: Run, result: RunResult) -> None: ...


class Run:
    """Refines until the plugin halts, the budget is spent, time is up, or somebody cancels.

    `advance` runs on the worker; `cancel` may be called from any thread and works between steps.
    """

    def __init__(
        self,
        name: str,
        task: Task,
        broker: BudgetBroker,
        meter: Meter,
        stopwatch_ns: Callable[[], int],
        *,
        timeout_ns: int,
        request_ns: int,
        limit_ns: int | None = None,
    ) -> None:
        """`request_ns`: what it asks for. `limit_ns`: the run may go on over several cycles until
        this is spent; None: it ends with the share of its first cycle."""
        self.name = name
        self.task = task
        self.history = History()
        self.costs_ns: list[int] = []
        self.is_ending = False
        self._left_nothing = ""
        self.spent_ns = 0
        self.step_began_ns: int | None = None
        self.request_ns = request_ns
        self.limit_ns = limit_ns
        self.timeout_ns = timeout_ns
        self.began_ns: int | None = None
        self._broker = broker
        self._meter = meter
        self._stopwatch_ns = stopwatch_ns
        self._interruptible = Interruptible()
        self._plugin: Plugin[Any] | None = None
        self._state: Any = None
        self._cancel_reason = ""
        self.fault = ""

    @property
    def remaining_atp(self) -> float:
        """What it may still spend in this cycle, before the step under way is charged."""
        return to_atp(max(0, self._broker.remaining_ns(self)))

    @property
    def affordable_atp(self) -> float:
        """See `Budget`."""
        if self.limit_ns is not None:
            return to_atp(max(0, self.limit_ns - self.spent_ns))
        asked_atp = to_atp(max(0, self.request_ns - self.spent_ns))
        return min(asked_atp, self.remaining_atp)

    @property
    def spent_atp(self) -> float:
        """See `Budget`."""
        return to_atp(self.spent_ns)

    @property
    def remaining_s(self) -> float | None:
        """See `Budget`."""
        if not self._meter.is_measured:
            return None
        return (self.timeout_ns - self._elapsed_ns()) / _NS_PER_S

    @property
    def cancelled(self) -> bool:
        """Whether it should stop as soon as it can."""
        return bool(self._cancel_reason) or self._overdue()

    def cancel(self, reason: str) -> None:
        """Stop after the step under way."""
        self._cancel_reason = reason

    def fail(self, fault: str) -> None:
        """End after the step under way as a failure, in words."""
        self.fault = fault

    def interrupt(self) -> None:
        """End the step under way, if that is Python code on a thread; from another thread."""
        self._interruptible.interrupt()

    def end(self, others: Sequence[str]) -> None:
        """Its share is spent, and `others` leave nothing: it answers when it is its turn."""
        self.is_ending = True
        self._left_nothing = ", ".join(others)

    def exclude(self, waited_ns: int) -> None:
        """Time that it waited for its turn does not count towards its timeout."""
        if self.began_ns is not None:
            self.began_ns += waited_ns

    def advance(self) -> None:
        """Refine until there is a reason to stop; on the plugin's worker."""
        try:
            result = self._refine()
        except NothingToDo as nothing:
            result = RunResult(PluginState.DONE, words_of(nothing))
        except ProcessEnded as ended:
            state, words = PluginState.FAILED, words_of(ended)
            if ended.is_late:
                state, words = PluginState.TIMED_OUT, words + self._limit(f" + {GRACE_S:g} s")
            result = RunResult(state, words)
        except StepInterrupted:
            began_ns = self.step_began_ns or 0
            seconds = (self._stopwatch_ns() - began_ns) / _NS_PER_S
            reason = f"{seconds:.1f} s in one step: interrupted{self._limit()}"
            result = RunResult(PluginState.TIMED_OUT, reason)
        # Whatever a plugin raises, SystemExit too, costs the plugin and not the graph.
        except BaseException as error:  # noqa: BLE001
            result = RunResult(PluginState.FAILED, f"{type(error).__name__}: {words_of(error)}")
        self.step_began_ns = None
        if result is None:
            self._broker.pause(self)
        else:
            # It refers to this run, its budget: with its pictures it would outlive both.
            self._state = None
            self._broker.finish(self, result)

    def _refine(self) -> RunResult | None:
        if self._plugin is None:
            self._plugin = self._broker.prepare(self)
            self.began_ns = self._stopwatch_ns()
        elif self._cancel_reason or self.is_ending:
            return self._end(self._plugin)
        mark = self._meter.start(self.name)
        while True:
            self.step_began_ns = self._stopwatch_ns()
            charged = 0
            try:
                with self._interruptible:
                    self._move(self._plugin)
                charged = self._meter.cost_ns(mark, self._plugin.nominal_step_ns)
                goes_on = self._charge(charged)
                with self._interruptible:
                    result = self._stop_reason(self._plugin, goes_on)
            finally:
                whole = self._meter.cost_ns(mark, self._plugin.nominal_step_ns)
                # From here on time counts for the next step, bookkeeping included.
                mark = self._meter.start(self.name)
                self.costs_ns.append(whole)
                self._charge(max(0, whole - charged))
            if result is not None or not goes_on or self._broker.yields(self):
                return result

    def _end(self, plugin: Plugin[Any]) -> RunResult:
        """The answer that it has, without another step."""
        mark = self._meter.start(self.name)
        self.step_began_ns = self._stopwatch_ns()
        with self._interruptible:
            if self._cancel_reason:
                result = self._conclude(plugin, PluginState.DONE, self._cancel_reason, None)
            else:
                beside = f", and {self._left_nothing} left nothing" if self._left_nothing else ""
                reason = f"its share is spent{beside}"
                result = self._conclude(plugin, PluginState.SPENT, reason, "budget")
        self._charge(self._meter.cost_ns(mark, 0))
        return result

    def _charge(self, cost_ns: int) -> bool:
        self.spent_ns += cost_ns
        self.history.spent_atp = to_atp(self.spent_ns)
        return self._broker.charge(self, cost_ns)

    def _move(self, plugin: Plugin[Any]) -> None:
        first = not self.history.energies
        state = plugin.init_state(self.task, self) if first else plugin.step(self._state)
        self._state = plugin.project(state)
        self.history.energies.append(_finite_energy(plugin.energy(self._state)))
        self.history.feasible = bool(plugin.feasible(self._state))
        self.history.elapsed_s = self._elapsed_ns() / _NS_PER_S

    def _stop_reason(self, plugin: Plugin[Any], goes_on: bool) -> RunResult | None:
        """Why to stop now; None: go on, or pause if the account is empty."""
        if self.fault:
            return RunResult(PluginState.FAILED, self.fault)
        if self._overdue():
            reason = f"not done in time: cancelled{self._limit()}"
            return RunResult(PluginState.TIMED_OUT, reason)
        if self._cancel_reason:
            return self._conclude(plugin, PluginState.DONE, self._cancel_reason, None)
        halted = checked_reason(plugin.halt(self.history))
        if halted:
            return self._conclude(plugin, PluginState.DONE, halted, "halted")
        if self.history.steps >= plugin.max_steps:
            reason = f"made all of its {plugin.max_steps} steps"
            return self._conclude(plugin, PluginState.DONE, reason, "steps")
        if self.limit_ns is not None and self.spent_ns >= self.limit_ns:
            reason = f"the {to_atp(self.limit_ns):g} ATP of its job are spent"
            return self._conclude(plugin, PluginState.SPENT, reason, "budget")
        if not goes_on and self.limit_ns is None and not self._broker.may_receive(self):
            return self._conclude(plugin, PluginState.SPENT, "its share is spent", "budget")
        return None

    def _conclude(
        self, plugin: Plugin[Any], state: PluginState, reason: str, stopped_by: str | None
    ) -> RunResult:
        """The answer. `stopped_by` is a key of _CONVERGENCE; None: nothing is learned."""
        energies = self.history.energies
        again = _finite_energy(plugin.energy(self._state))
        if not math.isclose(again, energies[-1], rel_tol=_ENERGY_TOLERANCE, abs_tol=1e-9):
            raise InvalidInput("energy", again, f"{energies[-1]}, as before for the same state")
        quality = RunQuality(
            monotonicity(energies),
            _CONVERGENCE.get(stopped_by or "", 0.0),
            _unit_value(plugin.value(self.history)),
        )
        result = checked_result(plugin.result(self._state))
        telemetry = {
            "plugin": self.name,
            "stamp_ns": self.task.stamp_ns,
            "modality": self.task.modality,
            "source": self.task.source,
            "state": state.name,
            "reason": reason,
            "steps": self.history.steps,
            "spent_atp": self.history.spent_atp,
            "elapsed_s": self.history.elapsed_s,
            "energies": [*energies[:1], *energies[1:][-(ENERGIES_REPORTED - 1) :]],
            "monotonicity": quality.monotonicity,
            "convergence": quality.convergence,
            "value": quality.value,
            "details": checked_details(plugin.telemetry(self._state)),
        }
        learned = quality if stopped_by and self.history.steps else None
        summary = result.get("summary", "")
        words = f"{reason}: {summary}" if summary else reason
        named = recognised(result, plugin.vocabulary, plugin.objects)
        said = recognised_words(result)
        halted = stopped_by in ("halted", "steps")
        return RunResult(state, words, result, learned, telemetry, named, said, halted)

    def _elapsed_ns(self) -> int:
        return 0 if self.began_ns is None else self._stopwatch_ns() - self.began_ns

    def _overdue(self) -> bool:
        return self._elapsed_ns() > self.timeout_ns

    def _limit(self, grace: str = "") -> str:
        """What ends by the timeout says of it; empty: it was something else."""
        timeout = f" (timeout_s = {self.timeout_ns / _NS_PER_S:g}{grace})"
        return timeout if self._overdue() else ""


def _finite_energy(energy: object) -> float:
    if not isinstance(energy, numbers.Real) or not math.isfinite(energy):
        raise InvalidInput("energy", energy, "a finite number")
    return float(energy)


def _unit_value(value: float) -> float:
    if not math.isfinite(value) or not 0.0 <= value <= 1.0:
        raise InvalidInput("value", value, "a number in [0, 1]")
    return float(value)
