"""The refinement plugin (IRP, iterative refinement primitive): the class to derive from.

A plugin improves an answer step by step and can be stopped after any of them. All methods but
`__init__` run on the plugin's own worker thread, never on the executor's; in a process of its own
all run on its main thread.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from sage_orchestrator.core.plugin.halting import History, converged
from sage_orchestrator.core.plugin.task import Task
from sage_orchestrator.core.plugin.vocabulary import Vocabulary

State = TypeVar("State")


class NothingToDo(RuntimeError):
    """Raised by a plugin whose input is gone: the run ends, and nobody failed."""


class Budget(Protocol):
    """What a run may still use; a plugin with long steps looks at it in between."""

    @property
    def remaining_atp(self) -> float: ...

    @property
    def affordable_atp(self) -> float:
        """What is left of what it asked for, or was given to use; if it was not given any, no
        more than is left of this cycle's share."""

    @property
    def spent_atp(self) -> float:
        """What its steps have cost, as measured; the one under way is not in it."""

    @property
    def remaining_s(self) -> float | None:
        """Time until its deadline [s]; None: time is not measured here."""

    @property
    def cancelled(self) -> bool: ...


class Plugin(ABC, Generic[State]):
    """One refinement plugin; made of a `PluginContext` and its parameters.

    Attributes:
        nominal_step_ns: cost of one step where it cannot be measured (lock-step).
        max_steps: a run is stopped after so many.
        epsilon, window: default halting: |slope| < epsilon over `window` steps.
        full_value: relative fall of the energy that counts as full value.
        vocabulary: what its model can name, once it is loaded; None: it names no classes.
        objects: what another model of it can find in pictures; None: it has none.
    """

    nominal_step_ns: int
    max_steps: int = 64
    epsilon: float = 1e-3
    window: int = 3
    full_value: float = 0.5
    vocabulary: Vocabulary | None = None
    objects: Vocabulary | None = None

    def load(self) -> None:
        """Load models; once before the first run, not charged. May raise."""

    def unload(self) -> None:
        """Release what `load` took."""

    @abstractmethod
    def init_state(self, task: Task, budget: Budget) -> State:
        """The first answer; charged like a step.

        Raises:
            NothingToDo: the input is gone. Any other error is a failure of the plugin.
        """

    @abstractmethod
    def step(self, state: State) -> State:
        """A better answer. Returns before long: it can be cancelled only between steps."""

    @abstractmethod
    def energy(self, state: State) -> float:
        """How bad the answer is, finite; a function of the state alone. Lower is better."""

    def project(self, state: State) -> State:
        """The nearest state that satisfies the constraints."""
        return state

    def feasible(self, state: State) -> bool:
        """Whether the state is as good as the plugin can use."""
        return False

    def halt(self, history: History) -> str:
        """Why to stop now, in words, at most 1,024 characters; empty: go on.

        Budget, timeout and cancellation come apart.
        """
        if history.feasible:
            return "reached its goal"
        if converged(history.energies, self.epsilon, self.window):
            return "converged"
        return ""

    @abstractmethod
    def result(self, state: State) -> Mapping[str, Any]:
        """The answer: values that JSON has.

        `summary` (str) is the answer in words, and `labels` (list of str) names what was
        recognised, best first; both are published on the topic refinement, where there are any.
        `classes` is a list of [number, probability] in its vocabulary, best first, and
        `detections` one of [number, probability, [left, top, width, height]] in shares of the
        picture, whose `picture_size` is [width, height]; `objects` is the same by the model that
        finds objects; each of at most 32, published on the topics classes and detections, from
        which the memory learns what a moment showed.
        `words` is [text, confidence] of what was read or heard, published on the topic text with
        the plugin's name as frame_id: they go with what happens within 10 s. They end when the
        percept was taken, unless a third item says when [ns].
        Text is UTF-8 and numbers are finite; at most 4,096 characters of summary, 64 labels of 256
        characters, and 256 KiB as JSON in all. What is more, or else, is a failure of the plugin.
        """

    def value(self, history: History) -> float:
        """Value delivered, [0, 1]: by default how far the energy fell."""
        first, last = history.energies[0], history.energies[-1]
        fall = (first - last) / max(abs(first), 1e-9)
        return min(1.0, max(0.0, fall / self.full_value))

    def telemetry(self, state: State) -> Mapping[str, float | str | bool]:
        """What else to show of a run.

        At most 64 scalars, with names of at most 256 characters and text of at most 1,024.
        """
        return {}
