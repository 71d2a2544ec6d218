"""The plugins that take part, and the trust in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import Declared, Transient
from sage_orchestrator.core.budget.trust import Trust, checked_trust
from sage_orchestrator.core.choice.history import HistoryRecord, RunHistory
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreaker, CircuitBreakerRules
from sage_orchestrator.core.scheduling.runtime import PluginRuntime


class TrustRecord(NamedTuple):
    """What is kept of a plugin: trust, belief, about when it delivered [ns], newest last; what it
    owes, so that nobody sheds a debt by being unloaded [ns]; and what its newest answer claimed."""

    trust: float
    belief: float
    delivered: tuple[int, ...]
    debt_ns: int = 0
    claimed: float = 1.0


class PluginRegistry(Declared):
    """Plugins by name, in order of name. Not locked: the owner is.

    The record of a plugin that is not here now is kept, for when it comes back, and so is its
    circuit breaker, as long as the process runs: its threads that hang stay, too.
    """

    _runtimes: Transient[dict[str, PluginRuntime]]

    def __init__(self, rules: CircuitBreakerRules) -> None:
        self._rules = rules
        self._runtimes = {}
        self._breakers: dict[str, CircuitBreaker] = {}
        self._absent: dict[str, TrustRecord] = {}
        self._absent_histories: dict[str, RunHistory] = {}

    def __iter__(self) -> Iterator[PluginRuntime]:
        return iter(self._runtimes.values())

    def find(self, name: str) -> PluginRuntime | None:
        """The runtime of a plugin, by its name or a former one; None if it is not here."""
        for runtime in self:
            if name in (runtime.name, *runtime.setup.spec.former_names):
                return runtime
        return None

    def get(self, name: str) -> PluginRuntime:
        """The runtime of a plugin, by its name or a former one.

        Raises:
            InvalidInput: no such plugin; the known ones are named.
        """
        runtime = self.find(name)
        if runtime is None:
            known = ", ".join(self._runtimes) or "none is loaded"
            raise InvalidInput("plugin", name, f"one of: {known}")
        return runtime

    def add(self, setup: PluginSetup, plugin: Plugin[Any]) -> PluginRuntime:
        """Take in a plugin and its first instance.

        Raises:
            InvalidInput: its name is taken.
        """
        spec = setup.spec
        if spec.name in self._runtimes:
            raise InvalidInput("name", spec.name, "a name that is not taken")
        runtime = PluginRuntime(setup, Trust(), CircuitBreaker(self._rules), plugin)
        for name in (*spec.former_names, spec.name):
            runtime.breaker = self._breakers.pop(name, runtime.breaker)
            runtime.history = self._absent_histories.pop(name, runtime.history)
            if name in self._absent:
                record = self._absent.pop(name)
                _apply(runtime, record)
                runtime.debt_ns = record.debt_ns
        runtime.breaker.reset()
        self._runtimes = dict(sorted({**self._runtimes, spec.name: runtime}.items()))
        return runtime

    def remove(self, runtime: PluginRuntime) -> None:
        """Dismiss one plugin; its trust and its circuit breaker are kept."""
        self._absent[runtime.name] = _record(runtime)
        self._absent_histories[runtime.name] = runtime.history
        self._breakers[runtime.name] = runtime.breaker
        del self._runtimes[runtime.name]

    def clear(self) -> list[PluginRuntime]:
        """Dismiss all plugins, as `remove` does; who they were."""
        dismissed = list(self)
        for runtime in dismissed:
            self.remove(runtime)
        return dismissed

    @property
    def abandoned(self) -> int:
        """Threads that hang, of all plugins, here or not."""
        here = (runtime.breaker for runtime in self)
        return sum(breaker.abandoned for breaker in (*here, *self._breakers.values()))

    def trusts(self) -> dict[str, float]:
        """Trust by plugin."""
        return {runtime.name: runtime.trust.value for runtime in self}

    def set_trust(self, name: str, value: float) -> float:
        """Set trust by hand; the trust before.

        Raises:
            InvalidInput: no such plugin, or not in [0.05, 1].
        """
        return self.get(name).trust.set(value)

    def learn_outcome(self, reward: float, name: str, start_ns: int, end_ns: int) -> list[str]:
        """Learn how something turned out; which plugins it concerned.

        Args:
            reward: [-1, 1].
            name: plugin that it concerns; empty: all that delivered about start_ns..end_ns.

        Raises:
            InvalidInput: no such plugin, or reward out of range.
        """
        if name:
            concerned = [self.get(name)]
        else:
            concerned = [s for s in self if any(start_ns <= at <= end_ns for at in s.delivered)]
        for runtime in concerned:
            runtime.trust.learn_outcome(reward)
        return [runtime.name for runtime in concerned]

    @property
    def records(self) -> dict[str, TrustRecord]:
        """What was learned of every plugin, here or not."""
        return {**self._absent, **{runtime.name: _record(runtime) for runtime in self}}

    @property
    def histories(self) -> dict[str, HistoryRecord]:
        """The runs of every plugin, here or not, that has made some."""
        every = {**self._absent_histories, **{runtime.name: runtime.history for runtime in self}}
        return {name: history.record for name, history in every.items() if history.has_runs}

    def apply_histories(self, records: Mapping[str, HistoryRecord]) -> None:
        """Continue with the runs of `records`.

        Raises:
            InvalidInput: what does not belong together.
        """
        for name, record in records.items():
            runtime, history = self.find(name), RunHistory.of(record)
            if runtime is not None:
                runtime.history = history
            else:
                self._absent_histories[name] = history

    def apply(self, records: Mapping[str, TrustRecord]) -> None:
        """Continue with `records`.

        Raises:
            InvalidInput: one holds what is no trust.
        """
        for name, record in records.items():
            checked_trust(record.trust)
            runtime = self.find(name)
            if runtime is not None:
                _apply(runtime, record)
            else:
                self._absent[name] = record


def _record(runtime: PluginRuntime) -> TrustRecord:
    trust = runtime.trust
    delivered = tuple(runtime.delivered)
    return TrustRecord(trust.value, trust.belief, delivered, runtime.debt_ns, trust.claimed)


def _apply(runtime: PluginRuntime, record: TrustRecord) -> None:
    runtime.trust = Trust(record.trust, record.belief, record.claimed)
    runtime.delivered.clear()
    runtime.delivered.extend(record.delivered)
