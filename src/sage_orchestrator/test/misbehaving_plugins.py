"""Plugins for tests: one that behaves, and one for every way not to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sage_common.core.parameters import parameter
from sage_orchestrator.core.plugin import (
    Budget,
    Plugin,
    PluginContext,
    PluginParameters,
    PluginSpec,
    Task,
    TriggerRule,
)

ATP = 100_000


@dataclass(frozen=True)
class EagerParameters(PluginParameters):
    """Asks for compute at every percept."""

    false_alarms_per_hour: float = parameter(36000.0, doc="", unit="1/h", low=0.01, high=36000.0)
    period_s: float = parameter(0.0, doc="", unit="s", low=0.0, high=60.0)
    request_atp: float = parameter(50.0, doc="", unit="ATP", low=0.0, high=1000.0)


class Halving(Plugin[float]):
    """Behaves: halves its energy in every step."""

    triggers = (TriggerRule("percept"),)
    parameters = EagerParameters()
    nominal_step_ns = 10 * ATP
    epsilon = 0.05

    def __init__(self, name: str | PluginContext = "halving", parameters: object = None) -> None:
        """Of its name, by tests; or as any plugin is made."""
        self.name = name

    def init_state(self, task: Task, budget: Budget) -> float:
        return 1.0

    def step(self, state: float) -> float:
        return state / 2.0

    def energy(self, state: float) -> float:
        return state

    def result(self, state: float) -> Mapping[str, Any]:
        return {"summary": f"at {state:g}", "left": state}


class Endless(Halving):
    """Behaves, improves for ever and never halts: stops when its budget is spent."""

    max_steps = 1_000_000

    def halt(self, history: Any) -> str:
        return ""


class Labelling(Halving):
    """Behaves, and names what it recognised."""

    def result(self, state: float) -> Mapping[str, Any]:
        return {"summary": "a tree beside a bench", "labels": ["tree", "bench"]}


class Mislabelling(Halving):
    """Its labels are no list."""

    def result(self, state: float) -> Mapping[str, Any]:
        return {"labels": "tree"}


class Useless(Halving):
    """Runs, and gets nowhere."""

    def step(self, state: float) -> float:
        return state


class Raising(Halving):
    """Raises in its second step."""

    def step(self, state: float) -> float:
        if state < 1.0:
            raise ZeroDivisionError("deliberately")
        return state / 2.0


class Exiting(Halving):
    """Tries to take the thread down."""

    def step(self, state: float) -> float:
        raise SystemExit(1)


class NotANumber(Halving):
    """Its energy is NaN after a step."""

    def energy(self, state: float) -> float:
        return state if state == 1.0 else float("nan")


class Lying(Halving):
    """Says at every question that it got better."""

    def __init__(self, name: str = "lying") -> None:
        super().__init__(name)
        self._claimed = 1.0

    def energy(self, state: float) -> float:
        self._claimed *= 0.5
        return self._claimed


class Babbling(Halving):
    """Its telemetry is not made of scalars."""

    def telemetry(self, state: float) -> Mapping[str, Any]:
        return {"nested": {"not": "allowed"}}


class Unloadable(Halving):
    """Its model cannot be loaded."""

    def load(self) -> None:
        raise FileNotFoundError("model.onnx")


class Hanging(Halving):
    """Hangs in its first step until the test releases it; notes that it hangs."""

    def __init__(self, name: str = "hanging") -> None:
        super().__init__(name)
        self.hangs = threading.Event()
        self.release = threading.Event()

    def step(self, state: float) -> float:
        self.hangs.set()
        self.release.wait()
        return state / 2.0


class IgnoringCancel(Hanging):
    """Sees between looks that it is cancelled, and goes on all the same."""

    saw_cancel = False

    def init_state(self, task: Task, budget: Budget) -> float:
        self.budget = budget
        return 1.0

    def step(self, state: float) -> float:
        self.hangs.set()
        while not self.release.wait(0.001):
            self.saw_cancel = self.budget.cancelled
        return state / 2.0


class Unmade(Halving):
    """Cannot be made."""

    def __init__(self, context: PluginContext, parameters: EagerParameters) -> None:
        raise ValueError("ctor")


class NoPlugin:
    """No plugin at all."""


class Unfinished(Plugin[float]):
    """Lacks methods."""

    def init_state(self, task: Task, budget: Budget) -> float:
        return 1.0

    def step(self, state: float) -> float:
        return state


class Slow(Endless):
    """Each step costs far more than a floor's share."""

    nominal_step_ns = 300 * ATP


class Gate:
    """Where a module of a test waits while it is imported."""

    def __init__(self) -> None:
        self.importing = threading.Event()
        self.opened = threading.Event()


GATE = Gate()

HUNG: list[Hanging] = []
"""Made by `make_hanging`, so that a test can watch them and release them."""


def make_halving(context: PluginContext, parameters: EagerParameters) -> Halving:
    return Halving("halving")


def make_labelling(context: PluginContext, parameters: EagerParameters) -> Labelling:
    return Labelling("labelling")


def make_mislabelling(context: PluginContext, parameters: EagerParameters) -> Mislabelling:
    return Mislabelling("mislabelling")


def make_endless(context: PluginContext, parameters: EagerParameters) -> Endless:
    return Endless("endless")


def make_raising(context: PluginContext, parameters: EagerParameters) -> Raising:
    return Raising("raising")


def make_hanging(context: PluginContext, parameters: EagerParameters) -> Hanging:
    HUNG.append(Hanging("hanging"))
    return HUNG[-1]


def _spec(name: str) -> PluginSpec:
    plugin = f"misbehaving_plugins:make_{name}"
    return PluginSpec(name, plugin, Halving.triggers, parameters=EagerParameters)


HALVING = _spec("halving")
LABELLING = _spec("labelling")
MISLABELLING = _spec("mislabelling")
ENDLESS = _spec("endless")
RAISING = _spec("raising")
HANGING = _spec("hanging")
NEEDY = replace(HALVING, name="needy", needs=("telepathy",))
UNMADE = replace(HALVING, name="unmade", plugin="misbehaving_plugins:Unmade")
NO_PLUGIN = replace(HALVING, name="no_plugin", plugin="misbehaving_plugins:NoPlugin")
UNFINISHED = replace(HALVING, name="unfinished", plugin="misbehaving_plugins:Unfinished")
