"""A plugin in the process that is its own: does what the orchestrator's side asks for, in turn.

A request is `[method, argument, ...]`; the answer is `["return", value]` or
`["raise", kind, words]`. Before it answers, the plugin may ask for a capability:
`["ask", name, arguments, named arguments]`, and is answered in the same way.
"""

from __future__ import annotations

import numbers
import socket
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sage_common.core.errors import InvalidInput, words_of
from sage_common.core.specs.entry_points import load
from sage_orchestrator.core.hosting import wire
from sage_orchestrator.core.plugin.context import PluginContext
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.interface import NothingToDo, Plugin
from sage_orchestrator.core.plugin.task import Task

DESCRIBED = (
    "nominal_step_ns", "max_steps", "epsilon", "window", "full_value", "vocabulary", "objects",
)  # fmt: skip
"""Attributes of a plugin that both sides know once it is loaded."""
OWN_RULES = ("halt", "value")
"""Methods that the other side carries out itself unless the plugin has its own."""
TILE_SHAPE = (224, 224, 3)


class OrchestratorGone(BaseException):
    """The other end of the socket is closed: there is nobody to work for. No plugin catches it."""


class BudgetThere:
    """The budget of the run, which is kept on the other side; see `Budget`."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    @property
    def remaining_atp(self) -> float:
        return float(self._ask("budget", "remaining_atp"))

    @property
    def affordable_atp(self) -> float:
        return float(self._ask("budget", "affordable_atp"))

    @property
    def spent_atp(self) -> float:
        return float(self._ask("budget", "spent_atp"))

    @property
    def remaining_s(self) -> float | None:
        left: float | None = self._ask("budget", "remaining_s")
        return left

    @property
    def cancelled(self) -> bool:
        return bool(self._ask("budget", "cancelled"))


class ServedPlugin:
    """The methods that the other side calls, by name."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self._plugin: Plugin[Any] | None = None
        self._state: Any = None

    def make(
        self,
        name: str,
        plugin: str,
        needs: list[str],
        made_here: Mapping[str, tuple[str, tuple[Any, ...]]],
        parameters: tuple[str, Mapping[str, Any]],
    ) -> None:
        """Make the plugin; see `ProcessPlugin`."""
        granted: dict[str, Callable[..., Any]] = {}
        for need in needs:
            if need in made_here:
                path, arguments = made_here[need]
                granted[need] = load(path, need)(*arguments)
            else:
                granted[need] = self._pass_tile if need == "tiles" else self._asking(need)
        kind, values = parameters
        field = f"plugin {name}"
        made = load(plugin, field)(PluginContext(name, granted), load(kind, field)(**values))
        if not isinstance(made, Plugin):
            raise InvalidInput(field, plugin, "a subclass of Plugin")
        self._plugin = made

    def load(self) -> dict[str, Any]:
        """Load it; what it is like."""
        self._made.load()
        kind = type(self._made)
        own = [rule for rule in OWN_RULES if getattr(kind, rule) is not getattr(Plugin, rule)]
        return {**{name: getattr(self._made, name) for name in DESCRIBED}, "own_rules": own}

    def unload(self) -> None:
        """Release what it took."""
        self._made.unload()

    def init_state(self, task: Task) -> tuple[Any, bool]:
        """The first answer: its energy, and whether it is feasible."""
        return self._moved(self._made.init_state(task, BudgetThere(self._ask)))

    def step(self) -> tuple[Any, bool]:
        """A better one."""
        return self._moved(self._made.step(self._state))

    def energy(self) -> Any:
        """That of the state, asked again."""
        return _plain(self._made.energy(self._state))

    def halt(self, history: History) -> str:
        """See `Plugin`."""
        return self._made.halt(history)

    def value(self, history: History) -> Any:
        """See `Plugin`."""
        return _plain(self._made.value(history))

    def result(self) -> Any:
        """See `Plugin`."""
        return self._made.result(self._state)

    def telemetry(self) -> Any:
        """See `Plugin`."""
        return self._made.telemetry(self._state)

    @property
    def _made(self) -> Plugin[Any]:
        if self._plugin is None:
            raise RuntimeError("the plugin is used before it is made")
        return self._plugin

    def _moved(self, state: Any) -> tuple[Any, bool]:
        self._state = self._made.project(state)
        return _plain(self._made.energy(self._state)), bool(self._made.feasible(self._state))

    def _asking(self, capability: str) -> Callable[..., Any]:
        return lambda *arguments, **named: self._ask(capability, *arguments, **named)

    def _pass_tile(
        self, draw: Callable[[Any], None], stamp_ns: int, look: Callable[[Any], Any]
    ) -> Any:
        """See `capabilities.Tiles`: it is drawn and looked at here, and published from there."""
        tile = np.empty(TILE_SHAPE, np.uint8)
        draw(tile)
        self._ask("tiles", tile, stamp_ns)
        return look(tile)


def serve(link: socket.socket) -> None:
    """Answer requests until the other end is closed."""

    def ask(name: str, *arguments: Any, **named: Any) -> Any:
        wire.send(link, wire.packed(["ask", name, list(arguments), named]))
        outcome, *answer = _received(link)
        if outcome == "return":
            return answer[0]
        kind, words = answer
        raise (NothingToDo if kind == NothingToDo.__name__ else RuntimeError)(words)

    served = ServedPlugin(ask)
    try:
        while True:
            method, *arguments = _received(link)
            _answer(link, getattr(served, method), arguments)
    except (OrchestratorGone, BrokenPipeError):
        return


def _answer(link: socket.socket, method: Callable[..., Any], arguments: list[Any]) -> None:
    try:
        answer = wire.packed(["return", method(*arguments)])
    except OrchestratorGone:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit, too: the other side judges it
        said = words_of(error)
        if isinstance(error, MemoryError):
            said = said or "more memory at once than its limit allows"
        answer = wire.packed(["raise", type(error).__name__, said])
    wire.send(link, answer)


def _received(link: socket.socket) -> Any:
    try:
        return wire.receive(link)
    except EOFError as error:
        raise OrchestratorGone from error


def _plain(number: Any) -> Any:
    """A number of NumPy's as one that crosses; what is none the other side refuses."""
    return float(number) if isinstance(number, numbers.Real) else number
