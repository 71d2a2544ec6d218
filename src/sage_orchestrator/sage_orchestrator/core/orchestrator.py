"""Who may think, and for how long: shares each cycle's compute among the plugins that ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.sections import Arrays, json_array, json_of
from sage_orchestrator.core.atp import to_atp
from sage_orchestrator.core.ledger import Ledger
from sage_orchestrator.core.meter import Meter
from sage_orchestrator.core.plugin import Plugin, Task
from sage_orchestrator.core.report import CycleReport, report_of
from sage_orchestrator.core.roster import Roster
from sage_orchestrator.core.rules import Rules, Workers
from sage_orchestrator.core.run import Ending, Run
from sage_orchestrator.core.slot import Cue, Order, Slot
from sage_orchestrator.core.states import PluginState

_NS_PER_S = 1_000_000_000


class Orchestrator:
    """Plugins, their trust, and the cycle.

    `cycle` is called by the timer and never waits for a plugin; `prepare`, `charge`,
    `remaining_ns`, `pause` and `finish` are called by runs, from workers.
    """

    def __init__(
        self,
        rules: Rules,
        meter: Meter,
        stopwatch_ns: Callable[[], int],
        workers: Workers,
        on_ending: Callable[[Run, Ending], None] = lambda run, ending: None,
    ) -> None:
        """`on_ending(run, ending)` is called outside the lock, mostly on the plugin's worker."""
        self._rules = rules
        self._meter = meter
        self._stopwatch_ns = stopwatch_ns
        self._workers = workers
        self._on_ending = on_ending
        self._lock = threading.RLock()
        self._roster = Roster(rules.isolation)
        self._ledger = Ledger(rules.budget_ns, rules.floor, [])
        self._cycle = 0

    # Plugins and trust.

    def add(self, create: Callable[[], Plugin[Any]]) -> str:
        """Take in a plugin; its name. `create` is called again whenever its thread hangs.

        Raises:
            InvalidInput: its name is empty or taken.
        """
        with self._lock:
            return self._roster.add(create).name

    def close(self) -> None:
        """Dismiss all plugins: the idle ones unload, the working ones are not waited for."""
        reason = "the orchestrator stops"
        with self._lock:
            dismissed = self._roster.clear()
            self._ledger = Ledger(self._rules.budget_ns, self._rules.floor, [])
        for slot in dismissed:
            if slot.order is not None:
                slot.order.finish(Ending(PluginState.FAILED, reason))
            if slot.run is not None and slot.in_flight:
                slot.run.cancel(reason)
                self._workers.abandon(slot.name)
            elif slot.plugin is not None and slot.loaded:
                self._workers.submit(slot.name, slot.plugin.unload)

    def set_trust(self, name: str, value: float) -> float:
        """See `Roster.set_trust`."""
        with self._lock:
            return self._roster.set_trust(name, value)

    def judge(self, reward: float, name: str, start_ns: int, end_ns: int) -> list[str]:
        """See `Roster.judge`."""
        with self._lock:
            return self._roster.judge(reward, name, start_ns, end_ns)

    def state(self) -> Arrays:
        """See `Roster.state`."""
        with self._lock:
            return self._roster.state()

    def restore(self, state: Arrays) -> None:
        """See `Roster.restore`."""
        with self._lock:
            self._roster.restore(state)

    def present(self) -> Arrays:
        """The cycle under way: what was asked for, spent and owed. See `restore_present`.

        Raises:
            CannotContinue: a plugin is at work; what it holds is its own.
        """
        with self._lock:
            slots = self._roster.present()
            cycle = {"cycle": self._cycle, "ledger": self._ledger.state(), "slots": slots}
            return {"cycle": json_array(cycle)}

    def restore_present(self, present: Arrays) -> None:
        """Continue from `present()` of the same plugins, in the same cycle."""
        cycle = json_of(present["cycle"])
        with self._lock:
            self._roster.restore_present(cycle["slots"])
            self._ledger.restore(cycle["ledger"])
            self._cycle = cycle["cycle"]

    def health(self) -> tuple[int, list[str]]:
        """Threads abandoned so far, and the plugins that are isolated now."""
        now_ns = self._stopwatch_ns()
        with self._lock:
            abandoned = sum(slot.isolation.abandoned for slot in self._roster)
            isolated = [s.name for s in self._roster if s.isolation.isolated(now_ns)]
        return abandoned, isolated

    # The cycle.

    def cycle(self, cues: Sequence[Cue]) -> CycleReport | None:
        """End one cycle and begin the next; the report of the one that ended, None at first."""
        now_ns = self._stopwatch_ns()
        with self._lock:
            hung = [slot for slot in self._roster if self._hangs(slot, now_ns)]
            endings = [self._abandon(slot, now_ns) for slot in hung]
            report = self._end_cycle()
            starting = self._begin_cycle(cues, now_ns)
        for ended, ending in endings:
            self._workers.abandon(ended.name)
            self._on_ending(ended, ending)
        for name, run in starting:
            self._workers.submit(name, run.advance)
        return report

    def _end_cycle(self) -> CycleReport | None:
        if self._cycle == 0:
            return None
        report = report_of(self._cycle, self._ledger, self._roster)
        for slot in self._roster:
            account = self._ledger.accounts.get(slot.name)
            if account is not None:
                slot.debt_ns, slot.credit_ns = account.carry(slot.in_flight)
        return report

    def _begin_cycle(self, cues: Sequence[Cue], now_ns: int) -> list[tuple[str, Run]]:
        self._cycle += 1
        asking = [slot for slot in self._roster if slot.asks(cues, now_ns)]
        demands = [slot.demand() for slot in asking]
        self._ledger = Ledger(self._rules.budget_ns, self._rules.floor, demands)
        starting = []
        for slot in asking:
            if slot.in_flight:
                continue
            if self._ledger.accounts[slot.name].is_open:
                starting.append((slot.name, self._start(slot, now_ns)))
                continue
            slot.state = PluginState.SPENT
            slot.reason = f"pays back {to_atp(slot.debt_ns):.1f} ATP that its last step overran"
        return starting

    def _start(self, slot: Slot, now_ns: int) -> Run:
        """The run to hand to the worker: a new one, or the one that was paused."""
        slot.state, slot.reason = PluginState.RUNNING, "at work"
        slot.submitted_ns, slot.paused = now_ns, False
        if slot.run is not None:
            return slot.run
        slot.started_ns = now_ns
        task, timeout_ns, limit_ns = self._assignment(slot)
        slot.run = Run(
            slot.name, task, self, self._meter, self._stopwatch_ns,
            timeout_ns=timeout_ns, request_ns=slot.demand().requested_ns, limit_ns=limit_ns,
        )  # fmt: skip
        if slot.order is not None:
            slot.order.run = slot.run
        return slot.run

    def _assignment(self, slot: Slot) -> tuple[Task, int, int | None]:
        """What the next run is about, its timeout, and its limit over cycles."""
        if slot.order is not None:
            return slot.order.task, slot.order.timeout_ns, slot.order.limit_ns
        cue = slot.pending
        if cue is None:
            raise AssertionError(f"{slot.name} starts without a cue or an order")
        slot.last_stamp_ns = cue.stamp_ns
        task = Task(cue.stamp_ns, cue.modality, cue.source, cue.salience, cue.region)
        return task, self._rules.timeout_ns, None

    def _hangs(self, slot: Slot, now_ns: int) -> bool:
        if slot.run is None or slot.paused:
            return False
        if slot.run.began_ns is None:
            return now_ns - slot.submitted_ns > self._rules.load_timeout_ns
        allowed_ns = slot.run.timeout_ns + self._rules.grace_ns
        return now_ns - slot.run.began_ns > allowed_ns

    def _abandon(self, slot: Slot, now_ns: int) -> tuple[Run, Ending]:
        """Give up a thread that does not come back; it is charged for all the time it held."""
        run = slot.run
        if run is None:
            raise AssertionError(f"{slot.name} hangs without a run")
        began_ns = slot.submitted_ns if run.step_began_ns is None else run.step_began_ns
        self.charge(run, now_ns - began_ns)
        run.cancel("abandoned")
        # The hung thread keeps the old instance; the next run makes a new one.
        slot.plugin, slot.loaded = None, False
        seconds = (now_ns - began_ns) / _NS_PER_S
        ending = Ending(
            PluginState.TIMED_OUT, f"hung in one step for {seconds:.1f} s: its thread is abandoned"
        )
        self._settle(slot, run, ending, hung=True)
        return run, ending

    # What runs need; called from workers.

    def prepare(self, run: Run) -> Plugin[Any]:
        """The plugin of a run, loaded; only its own worker comes here."""
        with self._lock:
            slot = self._roster.get(run.name)
            plugin, loaded = slot.plugin, slot.loaded
        if plugin is None:
            plugin = slot.create()
        if not loaded:
            plugin.load()
        with self._lock:
            if slot.run is run:
                slot.plugin, slot.loaded = plugin, True
        return plugin

    def charge(self, run: Run, cost_ns: int) -> bool:
        """Book cost; False: stop, the account is empty or the run was abandoned."""
        with self._lock:
            if not self._is_current(run):
                return False
            return self._ledger.charge(run.name, cost_ns)

    def remaining_ns(self, run: Run) -> int:
        """What the run may still spend in this cycle."""
        with self._lock:
            return self._ledger.accounts[run.name].left if self._is_current(run) else 0

    def pause(self, run: Run) -> None:
        """The account is empty; the run goes on with the next cycle's share."""
        with self._lock:
            if self._is_current(run):
                slot = self._roster.get(run.name)
                slot.paused, slot.state, slot.reason = True, PluginState.SPENT, "waits for budget"
                self._ledger.close(run.name, self._roster.trusts())

    def finish(self, run: Run, ending: Ending) -> None:
        """The run ended; what it leaves goes to those that still run."""
        with self._lock:
            if not self._is_current(run):
                return
            self._settle(self._roster.get(run.name), run, ending)
        self._on_ending(run, ending)

    def _is_current(self, run: Run) -> bool:
        return any(slot.run is run for slot in self._roster)

    def _settle(self, slot: Slot, run: Run, ending: Ending, hung: bool = False) -> None:
        slot.run, slot.paused = None, False
        slot.state, slot.reason = ending.state, ending.reason
        slot.steps = run.history.steps
        slot.energy = run.history.energies[-1] if run.history.energies else 0.0
        self._ledger.close(slot.name, self._roster.trusts())
        if ending.state.failed:
            slot.isolation.failed(self._stopwatch_ns(), hung)
            slot.trust.learn_failure()
        else:
            slot.isolation.succeeded()
            slot.delivered.append(run.task.stamp_ns)
            if ending.quality is not None:
                slot.trust.learn_run(ending.quality)
        order = slot.order
        if order is not None and order.run is run:
            slot.order = None
            order.finish(ending)

    # Orders by hand.

    def order(self, name: str, order: Order) -> None:
        """Run a plugin on a given task, from the next cycle on.

        Raises:
            InvalidInput: no such plugin, it is isolated, or it works on another order.
        """
        with self._lock:
            slot = self._roster.get(name)
            if slot.isolation.isolated(self._stopwatch_ns()):
                raise InvalidInput("plugin", name, f"one that works; {slot.reason}")
            if slot.order is not None:
                raise InvalidInput("plugin", name, "one that is not busy with another order")
            slot.order = order

    def cancel(self, name: str, order: Order, reason: str) -> None:
        """Stop an order: after the step under way, or at once if it has not begun."""
        with self._lock:
            slot = self._roster.get(name)
            if slot.order is not order:
                return
            if order.run is not None:
                order.run.cancel(reason)
            else:
                slot.order = None
                order.finish(Ending(PluginState.DONE, reason))
