"""Plugins that use more than they are given, and one that does not; for the bench of isolation."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from sage_orchestrator.core.plugin import (
    Budget,
    History,
    Plugin,
    PluginContext,
    PluginParameters,
    PluginSpec,
    Task,
    TriggerRule,
)

STEP_S = 0.002
STEPS = 10
HELPERS = 3


class Stepping(Plugin[float]):
    """Computes for 2 ms in each of its ten steps."""

    nominal_step_ns = 2_000_000
    max_steps = STEPS

    def __init__(self, context: PluginContext, parameters: PluginParameters) -> None: ...

    def init_state(self, task: Task, budget: Budget) -> float:
        return 1.0

    def step(self, state: float) -> float:
        compute(STEP_S)
        return state / 2.0

    def energy(self, state: float) -> float:
        return state

    def halt(self, history: History) -> str:
        return ""

    def result(self, state: float) -> Mapping[str, Any]:
        return {}


class Lasting(Stepping):
    """Makes steps of 2 ms until it is stopped."""

    max_steps = 1_000_000


class Light(Stepping):
    """Makes steps that compute nothing."""

    max_steps = 1_000

    def step(self, state: float) -> float:
        return state


class Spinning(Stepping):
    """Never comes back from its first step, and has helpers that compute, too."""

    def step(self, state: float) -> float:
        for _ in range(HELPERS):
            if os.fork() == 0:
                os.setsid()
                compute(3600.0)
        compute(3600.0)
        return state


class SpinningAlone(Stepping):
    """Never comes back from its first step."""

    def step(self, state: float) -> float:
        compute(3600.0)
        return state


def compute(seconds: float) -> None:
    """Take a core for so long."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        pass


def spec_of(kind: type[Stepping], name: str, host: str) -> PluginSpec:
    """One of these, on a host."""
    triggers = (TriggerRule("percept"),)
    return PluginSpec(name, f"{kind.__module__}:{kind.__name__}", triggers, host=host)
