"""Who may think, and for how long: shares each cycle's compute among the plugins that ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sage_common.core.state.fields import Transient
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.budget.ledger import Ledger
from sage_orchestrator.core.budget.meter import Meter
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.admission import check_can_answer, check_is_well
from sage_orchestrator.core.scheduling.dispatch import first_waiting, occupied_cores, rank
from sage_orchestrator.core.scheduling.interpreter_watch import InterpreterWatch
from sage_orchestrator.core.scheduling.job import Job
from sage_orchestrator.core.scheduling.job_queue import begin_next, drop_late, enqueue
from sage_orchestrator.core.scheduling.manager import PluginManager
from sage_orchestrator.core.scheduling.policy import CyclePolicy, Safeguards, Workers
from sage_orchestrator.core.scheduling.postponing import postpone
from sage_orchestrator.core.scheduling.reclaiming import feed_starved, pays_on, stop_starved
from sage_orchestrator.core.scheduling.report import CycleReport, report_of
from sage_orchestrator.core.scheduling.runtime import PluginRuntime
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.core.scheduling.watchdog import (
    fail_keeping,
    hangs,
    interrupt_late,
    note_ended_process,
)

_NS_PER_S = 1_000_000_000


class Orchestrator(PluginManager):
    """Plugins, their trust, and the cycle.

    `cycle` is called by the timer and never waits for a plugin; `prepare`, `charge`,
    `remaining_ns`, `pause` and `finish` are called by runs, from workers.
    """

    _ledger: Transient[Ledger]
    _period_ns: Transient[int] = 0
    _cycle: Transient[int] = 0

    def __init__(
        self,
        safeguards: Safeguards,
        meter: Meter,
        stopwatch_ns: Callable[[], int],
        workers: Workers,
        on_result: Callable[[Run, RunResult], None] = lambda run, result: None,
        watch: InterpreterWatch | None = None,
    ) -> None:
        """`on_result(run, result)` is called outside the lock, mostly on the plugin's worker.
        `watch`: works from `reopen` to `close`; None: nothing is measured."""
        super().__init__(safeguards.breaker, stopwatch_ns, workers)
        self._safeguards = safeguards
        self._meter = meter
        self._on_result = on_result
        self._watch = watch
        self._ledger = Ledger(0, 0.0, [])
        self._policy: CyclePolicy | None = None
        self._is_dispatching = False

    def close(self) -> None:
        """See `PluginManager.close`; what is left of the cycle is given to nobody."""
        super().close()
        with self._lock:
            self._ledger = Ledger(self._ledger.budget_ns, 0.0, [])
        if self._watch is not None:
            self._watch.stop()

    def reopen(self) -> None:
        """See `PluginManager.reopen`."""
        super().reopen()
        if self._watch is not None:
            self._watch.start(self._look)

    def _look(self) -> None:
        with self._lock:
            for runtime in self._registry:
                fail_keeping(runtime, self._watch)

    # The cycle.

    def cycle(self, triggers: Sequence[Trigger], policy: CyclePolicy) -> CycleReport | None:
        """End one cycle and begin the next; the report of the one that ended, None at first.

        Args:
            triggers: what plugins may want to work on now.
            policy: what governs the cycle that begins.
        """
        now_ns = self._stopwatch_ns()
        with self._lock:
            others = [
                runtime for runtime in self._registry if not fail_keeping(runtime, self._watch)
            ]
            for runtime in others:
                interrupt_late(runtime, now_ns, self._safeguards)
                note_ended_process(runtime, now_ns)
            hung = [runtime for runtime in others if hangs(runtime, now_ns, self._safeguards)]
            results = [self._abandon(runtime, now_ns) for runtime in hung]
            report = self._end_cycle()
            for ended, _ in results:
                self._workers.abandon(ended.name)  # before another run of it is handed out
            self._begin_cycle(triggers, policy, now_ns)
        for ended, result in results:
            self._on_result(ended, result)
        self._dispatch()
        return report

    def _end_cycle(self) -> CycleReport | None:
        if self._cycle == 0:
            return None
        report = report_of(self._cycle, self._period_ns, self._ledger, self._registry)
        for runtime in self._registry:
            account = self._ledger.accounts.get(runtime.name)
            if account is not None:
                runtime.debt_ns, runtime.credit_ns = account.carry(runtime.in_flight)
        self._remove_leaving()
        return report

    def _begin_cycle(self, triggers: Sequence[Trigger], policy: CyclePolicy, now_ns: int) -> None:
        """Share the budget, and put runs of those that may spend in line."""
        self._cycle += 1
        for runtime in self._registry:
            drop_late(runtime, now_ns)
            if runtime.starved:
                stop_starved(self._ledger, runtime)
        self._period_ns, self._policy = policy.period_ns, policy
        asking = [runtime for runtime in self._registry if runtime.asks(triggers, policy, now_ns)]
        asking = postpone(asking, self._ledger.spare_ns, now_ns, policy.period_ns)
        demands = [runtime.demand() for runtime in asking]
        self._ledger = Ledger(policy.budget_ns, policy.floor, demands)
        for runtime in asking:
            if runtime.in_flight:
                continue
            is_ending = runtime.run is not None and runtime.run.is_ending
            if is_ending or self._ledger.accounts[runtime.name].is_open:
                self._line_up(runtime, policy, now_ns)
                continue
            runtime.waits, runtime.paused = False, runtime.run is not None
            runtime.state = PluginState.SPENT
            runtime.reason = (
                f"pays back {to_atp(runtime.debt_ns):.1f} ATP that its last step overran"
            )

    def _line_up(self, runtime: PluginRuntime, policy: CyclePolicy, now_ns: int) -> None:
        """Let the run wait for its turn: a new one, or the one that was stopped."""
        runtime.state, runtime.reason = PluginState.RUNNING, "waits for its turn"
        runtime.waits, runtime.paused = True, False
        if runtime.run is not None:
            return
        runtime.started_ns = runtime.stopped_ns = now_ns
        task, timeout_ns, limit_ns = runtime.assignment(policy)
        runtime.run = Run(
            runtime.name, task, self, self._meter, self._stopwatch_ns,
            timeout_ns=timeout_ns, request_ns=runtime.demand().requested_ns, limit_ns=limit_ns,
        )  # fmt: skip
        if runtime.job is not None:
            runtime.job.run = runtime.run

    def _dispatch(self) -> None:
        """Hand runs to their workers, as many as there are cores.

        A worker that runs at once, as in lock-step, comes back here; what is under way goes on.
        """
        with self._lock:
            if self._is_dispatching:
                return
            self._is_dispatching = True
        try:
            while (run := self._next()) is not None:
                self._workers.submit(run.name, run.advance)
        except BaseException:  # a worker that takes no more must not end all dispatching
            self._is_dispatching = False
            raise

    def _next(self) -> Run | None:
        """The run whose turn it is; None, and dispatching is over: nobody waits, or no core."""
        now_ns = self._stopwatch_ns()
        with self._lock:
            policy, chosen = self._policy, None
            if policy is not None:
                occupied = occupied_cores(self._registry, now_ns, policy.period_ns)
                if occupied < policy.cores:
                    chosen = first_waiting(self._registry, now_ns, policy.period_ns)
            if chosen is None or chosen.run is None:
                self._is_dispatching = False
                return None
            chosen.waits, chosen.submitted_ns = False, now_ns
            chosen.state, chosen.reason = PluginState.RUNNING, "at work"
            chosen.run.exclude(now_ns - chosen.stopped_ns)
            return chosen.run

    def _abandon(self, runtime: PluginRuntime, now_ns: int) -> tuple[Run, RunResult]:
        """Give up a thread that does not come back; it is charged for all the time it held."""
        run = runtime.run
        if run is None:
            raise AssertionError(f"{runtime.name} hangs without a run")
        held_ns = runtime.held_ns(now_ns)
        self.charge(run, held_ns)
        run.cancel("abandoned")
        # The hung thread keeps the old instance; the next run makes a new one.
        runtime.plugin, runtime.loaded = None, False
        reason = f"hung in one step for {held_ns / _NS_PER_S:.1f} s: its thread is abandoned"
        reason += f"; {run.fault}" if run.fault else ""
        result = RunResult(PluginState.TIMED_OUT, reason)
        self._settle(runtime, run, result, hung=True)
        return run, result

    # What runs need; called from workers.

    def prepare(self, run: Run) -> Plugin[Any]:
        """The plugin of a run, loaded; only its own worker comes here."""
        with self._lock:
            runtime = self._registry.get(run.name)
            plugin, loaded = runtime.plugin, runtime.loaded
        if plugin is None:
            plugin = runtime.setup.create()
            with self._lock:
                if runtime.run is run:
                    runtime.plugin = plugin
        if not loaded:
            plugin.load()
            self._meter.skip(run.name)
        with self._lock:
            if runtime.run is run:
                runtime.loaded = True
        return plugin

    def charge(self, run: Run, cost_ns: int) -> bool:
        """Book cost; False: stop, the account does not pay another step, or the run was abandoned.

        A step of which an account pays less than half is left to others: it would make a debt.
        """
        with self._lock:
            runtime = self._runtime_of(run)
            if runtime is None:
                return False
            fail_keeping(runtime, self._watch)
            return self._ledger.charge(run.name, cost_ns) and pays_on(self._ledger, runtime)

    def remaining_ns(self, run: Run) -> int:
        """What the run may still spend in this cycle."""
        with self._lock:
            return 0 if self._runtime_of(run) is None else self._ledger.accounts[run.name].left

    def yields(self, run: Run) -> bool:
        """Whether a run that waits should go on before this one."""
        now_ns = self._stopwatch_ns()
        with self._lock:
            runtime, quantum_ns = self._runtime_of(run), self._period_ns
            waiting = first_waiting(self._registry, now_ns, quantum_ns)
            if runtime is None or waiting is None:
                return False
            return rank(waiting, now_ns, quantum_ns) > rank(runtime, now_ns, quantum_ns)

    def may_receive(self, run: Run) -> bool:
        """Whether another run may still leave some of its share."""
        with self._lock:
            return any(
                account.is_open and name != run.name
                for name, account in self._ledger.accounts.items()
            )

    def pause(self, run: Run) -> None:
        """The run goes on when it is its turn, or with the next cycle's share."""
        with self._lock:
            runtime = self._runtime_of(run)
            if runtime is None:
                return
            runtime.stopped_ns = self._stopwatch_ns()
            if pays_on(self._ledger, runtime):
                runtime.waits, runtime.reason = True, "waits for its turn"
            else:
                runtime.starved, runtime.reason = True, "waits for what others leave"
                self._reclaim()
        self._dispatch()

    def finish(self, run: Run, result: RunResult) -> None:
        """The run ended; what it leaves goes to those that still run."""
        with self._lock:
            runtime = self._runtime_of(run)
            if runtime is None:
                return
            self._settle(runtime, run, result)
        self._dispatch()
        self._on_result(run, result)

    def _reclaim(self) -> None:
        now_ns, quantum_ns = self._stopwatch_ns(), self._period_ns
        feed_starved(self._ledger, self._registry, now_ns, quantum_ns)

    def _runtime_of(self, run: Run) -> PluginRuntime | None:
        """Whose run it is; None: it was abandoned, or its plugin has left."""
        for runtime in self._registry:
            if runtime.run is run:
                return runtime
        return None

    def _settle(
        self, runtime: PluginRuntime, run: Run, result: RunResult, hung: bool = False
    ) -> None:
        runtime.run, runtime.paused, runtime.ended_idle, runtime.asked_ns = None, False, "", None
        runtime.state, runtime.reason = result.state, result.reason
        runtime.steps = run.history.steps
        runtime.energy = run.history.energies[-1] if run.history.energies else 0.0
        self._ledger.close(runtime.name, self._registry.trusts())
        self._reclaim()
        if runtime.process is not None and runtime.process.fault:
            runtime.plugin, runtime.loaded = None, False  # the next run makes a new one
        runtime.learn(run, result, self._stopwatch_ns(), hung)
        if (job := runtime.job) is not None and job.run is run:
            runtime.job = None
            job.finish(result)
        self._change_if_at_rest(runtime)
        begin_next(runtime)

    # Jobs by hand.

    def submit(self, name: str, job: Job) -> None:
        """Run a plugin on a given task, from the next cycle on, or after the jobs that it has.

        Raises:
            InvalidInput: no such plugin, it does not work, it cannot answer in time by estimate, or
                too many jobs wait for it.
        """
        with self._lock:
            runtime = self._registry.get(name)
            now_ns = self._stopwatch_ns()
            check_is_well(runtime, now_ns)
            job.due_ns = now_ns + job.timeout_ns
            check_can_answer(runtime, job, self._policy)
            enqueue(runtime, job)

    def cancel(self, name: str, job: Job, reason: str) -> None:
        """Stop a job: after the step under way, or at once if it has not begun."""
        with self._lock:
            runtime = self._registry.get(name)
            if job in runtime.waiting_jobs:
                runtime.waiting_jobs.remove(job)
                job.finish(RunResult(PluginState.DONE, reason))
            if runtime.job is not job:
                return
            if job.run is not None:
                job.run.cancel(reason)
            else:
                runtime.job = None
                job.finish(RunResult(PluginState.DONE, reason))
                begin_next(runtime)
