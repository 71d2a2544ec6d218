"""Loading, replacing and unloading plugins while they run, and the trust in them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import Arrays
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_orchestrator.core.choice.history import HistoryRecord, RunHistory
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreakerRules
from sage_orchestrator.core.scheduling.job_queue import drop_all
from sage_orchestrator.core.scheduling.policy import Workers
from sage_orchestrator.core.scheduling.registry import PluginRegistry, TrustRecord
from sage_orchestrator.core.scheduling.report import PluginStatus, status_of
from sage_orchestrator.core.scheduling.runtime import Change, PluginRuntime

STOPPED = "the orchestrator stops"
UNLOADED = "the plugin is unloaded"


class PluginManager(Stateful):
    """The plugins of an orchestrator; safe to use from several threads.

    A plugin is replaced or unloaded when it is at rest: a run under way ends first, and an account
    of the cycle under way stays open until the cycle has been reported. Whatever changes, its trust
    and what it owes stay.
    """

    records: State[dict[str, TrustRecord]]
    histories: State[dict[str, HistoryRecord]]
    """What was learned, as it is packed."""
    new_keys = frozenset({"histories"})
    _registry: State[PluginRegistry]

    def __init__(
        self, rules: CircuitBreakerRules, stopwatch_ns: Callable[[], int], workers: Workers
    ) -> None:
        self._stopwatch_ns = stopwatch_ns
        self._workers = workers
        self._lock = threading.RLock()
        self._registry = PluginRegistry(rules)
        self.histories = {}
        self._is_open = True

    def load(self, setup: PluginSetup) -> Future[None]:
        """Take in a plugin; one of its name is replaced as soon as it is at rest.

        Returns:
            Done when the plugin is in place, and what was there before is unloaded.

        Raises:
            InvalidInput: another change of the plugin is under way, the orchestrator stops, or no
                instance of the plugin can be made.
        """
        plugin = setup.create()
        done: Future[None] = Future()
        with self._lock:
            self._check_open()
            runtime = self._registry.find(setup.spec.name)
            if runtime is None:
                self._registry.add(setup, plugin)
                done.set_result(None)
                return done
            self._request(runtime, Change(setup, plugin, done))
            self._change_if_at_rest(runtime)
        return done

    def unload(self, name: str) -> Future[None]:
        """Dismiss a plugin: a run under way is cancelled, and so is a job.

        Returns:
            Done when it has left, at the end of a cycle.

        Raises:
            InvalidInput: no such plugin, or another change of it is under way.
        """
        done: Future[None] = Future()
        with self._lock:
            self._check_open()
            runtime = self._registry.get(name)
            self._request(runtime, Change(None, None, done))
            if runtime.run is not None:
                runtime.run.cancel(UNLOADED)
            elif runtime.job is not None:
                job, runtime.job = runtime.job, None
                job.finish(RunResult(PluginState.DONE, UNLOADED))
            drop_all(runtime, RunResult(PluginState.DONE, UNLOADED))
        return done

    def close(self) -> None:
        """Dismiss all plugins: the idle ones unload, the working ones are not waited for."""
        with self._lock:
            self._is_open = False
            dismissed = self._registry.clear()
        for runtime in dismissed:
            if runtime.job is not None:
                runtime.job.finish(RunResult(PluginState.FAILED, STOPPED))
            drop_all(runtime, RunResult(PluginState.FAILED, STOPPED))
            if runtime.change is not None:
                runtime.change.done.set_exception(InvalidInput("plugin", runtime.name, STOPPED))
            if runtime.run is not None and runtime.in_flight:
                runtime.run.cancel(STOPPED)
                runtime.run.interrupt()
                if runtime.process is not None:
                    runtime.process.kill(STOPPED)
                self._workers.abandon(runtime.name)
            elif runtime.plugin is not None and runtime.loaded:
                self._workers.submit(runtime.name, runtime.plugin.unload)

    def reopen(self) -> None:
        """Take in plugins again after `close`."""
        with self._lock:
            self._is_open = True

    def statuses(self) -> list[PluginStatus]:
        """What each plugin is and does, in order of name."""
        with self._lock:
            return [status_of(runtime) for runtime in self._registry]

    def set_trust(self, name: str, value: float) -> float:
        """See `PluginRegistry.set_trust`."""
        with self._lock:
            return self._registry.set_trust(name, value)

    def learn_outcome(self, reward: float, name: str, start_ns: int, end_ns: int) -> list[str]:
        """See `PluginRegistry.learn_outcome`."""
        with self._lock:
            return self._registry.learn_outcome(reward, name, start_ns, end_ns)

    def packing(self) -> None:
        with self._lock:  # debts end with the process
            known = self._registry.records.items()
            self.records = {name: record._replace(debt_ns=0) for name, record in sorted(known)}
            self.histories = dict(sorted(self._registry.histories.items()))

    def check_values(self, values: Mapping[str, Any]) -> None:
        for record in values.get("histories", {}).values():
            RunHistory.of(record)

    def restored(self) -> None:
        """Raises InvalidInput: a record holds what is no trust."""
        with self._lock:
            self._registry.apply(self.records)
            self._registry.apply_histories(self.histories)

    def from_old(self, old: Arrays) -> dict[str, object]:
        ends = np.cumsum(old["deliveries"])
        delivered = np.split(old["delivered"], ends)[: len(ends)]
        rows = zip(old["plugins"], old["trust"], old["belief"], delivered, strict=True)
        records = {
            str(name): TrustRecord(float(trust), float(belief), tuple(at.tolist()))
            for name, trust, belief, at in rows
        }
        return {"records": records}

    def health(self) -> tuple[int, list[str]]:
        """Threads abandoned so far, and the plugins that are isolated now."""
        now_ns = self._stopwatch_ns()
        with self._lock:
            isolated = [s.name for s in self._registry if s.breaker.isolated(now_ns)]
            return self._registry.abandoned, isolated

    def troubles(self) -> dict[str, str]:
        """Plugins that fail again and again, hung, or lost their process, and how, in words."""
        with self._lock:
            return {s.name: s.trouble for s in self._registry if s.trouble}

    def _check_open(self) -> None:
        if not self._is_open:
            raise InvalidInput("plugin", "", f"a running orchestrator; {STOPPED}")

    def _request(self, runtime: PluginRuntime, change: Change) -> None:
        if runtime.change is not None:
            expected = "one that is not being replaced or unloaded already"
            raise InvalidInput("plugin", runtime.name, expected)
        runtime.change = change

    def _change_if_at_rest(self, runtime: PluginRuntime) -> None:
        """Replace a plugin that is to be replaced, unless it works; the lock is held."""
        change = runtime.change
        if change is None or change.setup is None or not runtime.is_at_rest:
            return
        before, was_loaded = runtime.plugin, runtime.loaded
        runtime.setup, runtime.plugin, runtime.loaded = change.setup, change.plugin, False
        runtime.change = None
        runtime.breaker.reset()
        self._unload(runtime.name, before if was_loaded else None, change.done)

    def _remove_leaving(self) -> None:
        """Let those leave that are unloaded and at rest; the lock is held, a cycle has ended."""
        for runtime in list(self._registry):
            change = runtime.change
            if change is not None and change.setup is None and runtime.is_at_rest:
                self._registry.remove(runtime)
                plugin = runtime.plugin if runtime.loaded else None
                self._unload(runtime.name, plugin, change.done)

    def _unload(self, name: str, plugin: Plugin[Any] | None, done: Future[None]) -> None:
        """Unload an instance on its worker, and say when that is done."""
        if plugin is None:
            done.set_result(None)
            return

        def unload() -> None:
            try:
                plugin.unload()
            # What a plugin raises is for whoever asked; the plugin is gone all the same.
            except Exception as error:  # noqa: BLE001
                done.set_exception(error)
            else:
                done.set_result(None)

        self._workers.submit(name, unload)
