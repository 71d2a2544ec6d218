"""A plugin in a process of its own, as the orchestrator uses it: like any other.

The state of a run stays in the process; here it is a number. A step is one message each way, with
energy and feasibility in the answer; what the plugin asks of the graph is answered by this side, on
the worker that waits for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.hosting.limits import GRACE_S, ProcessEnded, ProcessLimits
from sage_orchestrator.core.hosting.plugin_process import PluginProcess
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.interface import Budget, Plugin
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec
from sage_orchestrator.core.plugin.task import Task

UNLOAD_TIMEOUT_S = 2.0
OF_BUDGET = ("remaining_atp", "affordable_atp", "spent_atp", "remaining_s", "cancelled")
_BYTES_PER_MB = 1_000_000


@dataclass(frozen=True)
class ProcessHost:
    """What every plugin's process is given.

    Attributes:
        made_there: capabilities that the process makes itself, by name: `module:function`, which
            returns one, and its arguments.
        load_timeout_s: longest loading of models; None: as long as it takes.
    """

    made_there: Mapping[str, tuple[str, tuple[Any, ...]]]
    load_timeout_s: float | None


class ProcessPlugin(Plugin[int]):
    """See the module. One thread uses it at a time.

    Args:
        spec: what is declared of the plugin.
        parameters: its parameters.
        granted: capabilities that this side answers for, by name.
        host: what its process is given.
    """

    def __init__(
        self,
        spec: PluginSpec,
        parameters: PluginParameters,
        granted: Mapping[str, Callable[..., Any]],
        host: ProcessHost,
    ) -> None:
        self._spec = spec
        self._parameters = parameters
        self._granted = granted
        self._host = host
        held_bytes = round(parameters.memory_mb * _BYTES_PER_MB)
        self._limits = ProcessLimits(spec.name, held_bytes, parameters.processes)
        self._process: PluginProcess | None = None
        self._budget: Budget | None = None
        self._own_rules: Sequence[str] = ()
        self._steps = 0
        self._energy: Any = None
        self._feasible = False

    # What a plugin does.

    def load(self) -> None:
        """Start the process, and load the plugin there.

        Raises:
            ProcessEnded: it ended.
        """
        process = self._process = PluginProcess(self._spec.name, self._limits, self._answered)
        values = {f.name: getattr(self._parameters, f.name) for f in fields(self._parameters)}
        kind = type(self._parameters)
        made_there = {n: how for n, how in self._host.made_there.items() if n in self._spec.needs}
        limit_s = self._host.load_timeout_s
        try:
            process.call(
                limit_s, "make", self._spec.name, self._spec.plugin, list(self._spec.needs),
                made_there, (f"{kind.__module__}:{kind.__qualname__}", values),
            )  # fmt: skip
            described = process.call(limit_s, "load")
        except BaseException:  # an interrupt, too: a process half made must not stay
            process.close()
            raise
        self._own_rules = described.pop("own_rules")
        for name, value in described.items():
            setattr(self, name, value)

    def unload(self) -> None:
        """Unload it there, and end the process."""
        process = self._process
        if process is None or process.fault:
            return
        try:
            process.call(UNLOAD_TIMEOUT_S, "unload")
        finally:
            process.close()

    def init_state(self, task: Task, budget: Budget) -> int:
        self._budget, self._steps = budget, 0
        self._energy, self._feasible = self._call("init_state", task)
        return 0

    def step(self, state: int) -> int:
        self._energy, self._feasible = self._call("step")
        self._steps += 1
        return self._steps

    def energy(self, state: int) -> float:
        """As the last step gave it; asked again, it is asked there."""
        told, self._energy = self._energy, None
        energy: float = self._call("energy") if told is None else told
        return energy

    def feasible(self, state: int) -> bool:
        return self._feasible

    def halt(self, history: History) -> str:
        is_own = "halt" in self._own_rules
        reason: str = self._call("halt", history) if is_own else super().halt(history)
        return reason

    def value(self, history: History) -> float:
        is_own = "value" in self._own_rules
        value: float = self._call("value", history) if is_own else super().value(history)
        return value

    def result(self, state: int) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._call("result")
        return answer

    def telemetry(self, state: int) -> Mapping[str, float | str | bool]:
        details: Mapping[str, float | str | bool] = self._call("telemetry")
        return details

    # What its host does.

    @property
    def fault(self) -> str:
        """Why its process is no more, in words; empty: it is, or was not started."""
        return "" if self._process is None else self._process.fault

    def check(self) -> str:
        """Look after the process while it does nothing; `fault`."""
        if self._process is not None and not self.fault:
            with contextlib.suppress(ProcessEnded):
                self._process.check()
        return self.fault

    def kill(self, words: str) -> None:
        """End the process, whatever it does; from any thread."""
        if self._process is not None:
            self._process.kill(words)

    def _call(self, method: str, *arguments: Any) -> Any:
        """Have a method called in the time of the run under way."""
        if self._process is None:
            raise RuntimeError(f"{self._spec.name} is used before it is loaded")
        remaining_s = None if self._budget is None else self._budget.remaining_s
        limit_s = None if remaining_s is None else max(0.0, remaining_s) + GRACE_S
        return self._process.call(limit_s, method, *arguments)

    def _answered(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Any:
        """What the plugin asks for."""
        if name == "budget" and arguments[0] in OF_BUDGET:
            return getattr(self._budget, arguments[0])
        if name not in self._granted:
            raise InvalidInput("capability", name, f"one of {', '.join(self._granted)}")
        if name == "tiles":
            tile, stamp_ns = arguments
            return self._granted[name](lambda shown: shown.__setitem__(..., tile), stamp_ns, _seen)
        return self._granted[name](*arguments, **named)


def _seen(tile: object) -> None:
    """Whoever reads beside looks at the tile; the plugin does so in its process."""
