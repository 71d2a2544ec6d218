"""The plugins that take part, and the trust in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import Arrays
from sage_orchestrator.core.budget.trust import Trust, checked_trust
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreaker, CircuitBreakerRules
from sage_orchestrator.core.scheduling.runtime import PluginRuntime


class TrustRecord(NamedTuple):
    """What is kept of a plugin: trust, belief, about when it delivered [ns], newest last; and
    what it owes, so that nobody sheds a debt by being unloaded [ns]."""

    trust: float
    belief: float
    delivered: tuple[int, ...]
    debt_ns: int = 0


class PluginRegistry:
    """Plugins by name, in order of name. Not locked: the owner is.

    The record of a plugin that is not here now is kept, for when it comes back.
    """

    def __init__(self, rules: CircuitBreakerRules) -> None:
        self._rules = rules
        self._runtimes: dict[str, PluginRuntime] = {}
        self._absent: dict[str, TrustRecord] = {}

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
            if name in self._absent:
                record = self._absent.pop(name)
                _apply(runtime, record)
                runtime.debt_ns = record.debt_ns
        self._runtimes = dict(sorted({**self._runtimes, spec.name: runtime}.items()))
        return runtime

    def remove(self, runtime: PluginRuntime) -> None:
        """Dismiss one plugin; its trust is kept."""
        self._absent[runtime.name] = _record(runtime)
        del self._runtimes[runtime.name]

    def clear(self) -> list[PluginRuntime]:
        """Dismiss all plugins; their trust is kept. Who they were."""
        dismissed = list(self._runtimes.values())
        self._absent.update(self._known())
        self._runtimes = {}
        return dismissed

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

    def state(self) -> dict[str, NDArray[Any]]:
        """What was learned: `plugins` (names), `trust` and `belief`, float64 [N], and what each
        delivered: `deliveries` int64 [N] stamps of each in `delivered` int64 [sum] [ns]."""
        known = self._known()
        records = [known[name] for name in sorted(known)]
        return {
            "plugins": np.array(sorted(known), dtype=np.str_),
            "trust": np.array([record.trust for record in records], np.float64),
            "belief": np.array([record.belief for record in records], np.float64),
            "deliveries": np.array([len(record.delivered) for record in records], np.int64),
            "delivered": np.array([at for s in records for at in s.delivered], np.int64),
        }

    def restore(self, state: Arrays) -> None:
        """Continue from what `state` gave.

        Raises:
            InvalidInput: an array is absent, of the wrong length, or holds what is no trust.
        """
        for field in ("plugins", "trust", "belief", "deliveries"):
            if field not in state or state[field].shape != state["plugins"].shape:
                raise InvalidInput(field, state.get(field), "one entry for each plugin")
        ends = np.cumsum(state["deliveries"])
        records = {
            str(name): TrustRecord(checked_trust(float(trust)), float(belief), tuple(at.tolist()))
            for name, trust, belief, at in zip(
                state["plugins"],
                state["trust"],
                state["belief"],
                np.split(state["delivered"], ends)[: len(ends)],
                strict=True,
            )
        }
        for name, record in records.items():
            runtime = self.find(name)
            if runtime is not None:
                _apply(runtime, record)
            else:
                self._absent[name] = record

    def present(self) -> dict[str, Any]:
        """See `PluginRuntime.present`, by name."""
        return {runtime.name: runtime.present() for runtime in self}

    def restore_present(self, present: Mapping[str, Any]) -> None:
        """Continue from `present()` of the same plugins."""
        for name, kept in present.items():
            self.get(name).restore_present(kept)

    def _known(self) -> dict[str, TrustRecord]:
        return {**self._absent, **{runtime.name: _record(runtime) for runtime in self}}


def _record(runtime: PluginRuntime) -> TrustRecord:
    trust = runtime.trust
    return TrustRecord(trust.value, trust.belief, tuple(runtime.delivered), runtime.debt_ns)


def _apply(runtime: PluginRuntime, record: TrustRecord) -> None:
    runtime.trust = Trust(record.trust, record.belief)
    runtime.delivered.clear()
    runtime.delivered.extend(record.delivered)
