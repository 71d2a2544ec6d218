"""Plugins for tests: one that behaves, and one for every way not to."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
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
    Query,
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


class Spinning(Halving):
    """Spins in its second step, for ever, and catches what it can."""

    def step(self, state: float) -> float:
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: BLE001
                continue


class Sleeping(Halving):
    """Sleeps in its second step, without end."""

    def step(self, state: float) -> float:
        while True:
            time.sleep(3600.0)


class Hoarding(Halving):
    """Takes 160 MB more in each step, which it does not end."""

    def step(self, state: float) -> float:
        held = [b"\1" * 16_000_000 for _ in range(10)]
        while held:
            time.sleep(0.001)
        return state


class Gulping(Halving):
    """Takes 4 GB at once."""

    def step(self, state: float) -> float:
        return float(len(bytearray(4_000_000_000)))


class Forking(Halving):
    """Starts processes that start others, and leave its session and its process group."""

    def step(self, state: float) -> float:
        while True:
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(3600.0)
                os._exit(0)  # its child is an orphan now
            time.sleep(0.001)


class Crashing(Halving):
    """Reads memory that there is not."""

    def step(self, state: float) -> float:
        return float(ctypes.string_at(0)[0])


class BurningOut(Crashing):
    """Computes for 0.2 s of CPU time, and then crashes."""

    def step(self, state: float) -> float:
        end_s = time.process_time() + 0.2
        while time.process_time() < end_s:
            pass
        return super().step(state)


class Leaving(Halving):
    """Ends its process, as a native library may."""

    def step(self, state: float) -> float:
        os._exit(3)


class Garbling(Halving):
    """Writes into whatever socket it finds."""

    def step(self, state: float) -> float:
        for number in range(3, 64):
            try:
                os.write(number, b"\0" * 4096)
            except OSError:
                continue
        return state / 2.0


class Delegating(Halving):
    """Has a process of its own compute for 0.2 s of CPU time in each step, and waits for it."""

    max_steps = 2
    busy_s = 0.2

    def halt(self, history: Any) -> str:
        return ""

    def step(self, state: float) -> float:
        burn = f"import time\nwhile time.process_time() < {self.busy_s}: pass"
        subprocess.run([sys.executable, "-I", "-S", "-c", burn], check=True)
        return state / 2.0


class LeavingWorkBehind(Halving):
    """Starts a process in its first answer that computes on between its steps and its runs."""

    def load(self) -> None:
        self.helper: subprocess.Popen[bytes] | None = None

    def init_state(self, task: Task, budget: Budget) -> float:
        if self.helper is None:
            self.helper = subprocess.Popen([sys.executable, "-I", "-S", "-c", "while True: pass"])
        return 1.0

    def result(self, state: float) -> Mapping[str, Any]:
        return {"helper": self.helper.pid}

    def unload(self) -> None:
        self.helper.kill()
        self.helper.wait()


class DyingLater(Halving):
    """Its process ends a moment after its run."""

    def result(self, state: float) -> Mapping[str, Any]:
        threading.Timer(0.05, os.kill, (os.getpid(), 11)).start()
        return {"summary": "not for long"}


class Using(Halving):
    """Uses each capability once, and its budget."""

    def __init__(self, context: PluginContext, parameters: EagerParameters) -> None:
        self.context = context
        self.seen: dict[str, Any] = {}

    def init_state(self, task: Task, budget: Budget) -> float:
        context, at_ns = self.context, task.stamp_ns
        percept = context.percepts(task.modality, at_ns)
        frame = context.frames(task.source, at_ns)
        view = context.periphery(task.source, at_ns)
        found = context.recall(Query(percept.embedding, "means", at_ns, "vision", 0.0, limit=3))
        text = context.embed_text(text="a bench")
        self.seen = {
            "percept": [percept.source, int(percept.codes.sum()), str(percept.codes.dtype)],
            "frame": [list(frame.shape), int(frame.sum())],
            "view": [view.grid.columns, float(view.salience[0, 0])],
            "memory": [[memory.id, memory.text] for memory in found],
            "text": [text.embedding.tolist(), text.encoder_id],
            "words": [heard.text for heard in context.utterances(0, at_ns)],
            "sounds": [len(heard.samples) for heard in context.sounds(0, at_ns)],
            "tile": context.tiles(
                lambda tile: tile.fill(7), at_ns, lambda tile: int(tile[0, 0, 0])
            ),
            "missing": context.frames("nowhere", at_ns) is None,
            "region": [task.region.left, task.region.width],
            "budget": [budget.remaining_atp, budget.affordable_atp, budget.cancelled],
        }
        try:
            context.recall(None)
        except RuntimeError as error:
            self.seen["refused"] = str(error)
        return 1.0

    def result(self, state: float) -> Mapping[str, Any]:
        return self.seen


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
