"""The refinement plugin (IRP, iterative refinement primitive): the interface, and what it is given.

A plugin improves an answer step by step and can be stopped after any of them. It is found by the
entry point group `sage.irp_plugins`; the entry point is a callable `create(context) -> Plugin`.
All methods but `__init__` run on the plugin's own worker thread, never on the executor's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import Percept
from sage_common.core.tiles import TileView
from sage_orchestrator.core.plugin.halting import History, converged

State = TypeVar("State")
T = TypeVar("T")
TriggerKind = Literal["attention", "percept"]


@dataclass(frozen=True)
class Interest:
    """When a plugin asks for compute; read by the orchestrator, so that asking runs no plugin code.

    Attributes:
        trigger: "attention": a new region of attention; "percept": a new percept.
        modality: of the region or percept; empty: any for attention, the dominant one for percepts.
        min_salience: [0, 1] it does not ask for less.
        period_s: least time between two of its runs.
        request_atp: what one run needs, as far as it knows; its share is not bounded by it.
    """

    trigger: TriggerKind
    modality: str = ""
    min_salience: float = 0.2
    period_s: float = 0.5
    request_atp: float = 200.0


@dataclass(frozen=True)
class Region:
    """A region of attention in an image: pixels of the native image, at least 1 x 1."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Task:
    """What a plugin is to work on.

    Attributes:
        stamp_ns: capture time of the percept or region.
        modality, source: whose.
        salience: [0, 1].
        region: of attention; None if the task is not about an image.
        percept: given with a job by hand; else None, and the plugin asks the context.
    """

    stamp_ns: int
    modality: str
    source: str
    salience: float
    region: Region | None = None
    percept: Percept | None = None


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
        ...

    @property
    def spent_atp(self) -> float:
        """What its steps have cost, as measured; the one under way is not in it."""
        ...

    @property
    def cancelled(self) -> bool: ...


@dataclass(frozen=True)
class Query:
    """A question to the memory; every condition that is set must hold.

    Attributes:
        example: float32 [D], unit length.
        encoder_id: whose space the example lives in.
        end_ns: only what is older than this.
        modality: empty: all.
        min_salience: [0, 1].
        limit: most results.
    """

    example: NDArray[np.float32]
    encoder_id: str
    end_ns: int
    modality: str
    min_salience: float
    limit: int


@dataclass(frozen=True)
class Memory:
    """One answer of the memory: id, cosine score in [-1, 1], and the words stored with it."""

    id: str
    score: float
    stamp_ns: int
    text: str


class Context(Protocol):
    """The world as a plugin sees it; called from its worker only.

    Attributes:
        models_dir: folder of models; empty: the default one.
    """

    models_dir: str

    def percept(self, modality: str, stamp_ns: int) -> Percept | None:
        """The percept of a modality at a time; None if it is no longer there."""
        ...

    def image(self, source: str, stamp_ns: int) -> NDArray[np.uint8] | None:
        """The native image nearest to a time, uint8 RGB [H, W, 3]; None if none is near."""
        ...

    def periphery(self, source: str, stamp_ns: int) -> TileView | None:
        """What the peripheral tier saw of the frame nearest to a time; None if none is near."""
        ...

    def pass_on(
        self,
        draw: Callable[[NDArray[np.uint8]], None],
        stamp_ns: int,
        look: Callable[[NDArray[np.uint8]], T],
    ) -> T:
        """Hand a tile to an encoder, through a slot of a mailbox where there is one.

        Args:
            draw: fills the tile, uint8 RGB [224, 224, 3].
            stamp_ns: when it was taken.
            look: is given the filled tile where it is, and must not keep it.

        Returns:
            What `look` returned.

        Raises:
            RuntimeError: the tile was taken back while it was looked at.
        """
        ...

    def recall(self, query: Query) -> Sequence[Memory]:
        """Similar memories, best first.

        Raises:
            RuntimeError: the memory is not there, or refused the question.
        """
        ...


class Plugin(ABC, Generic[State]):
    """One refinement plugin.

    Attributes:
        name: lower case, unique.
        interest: when it asks for compute.
        nominal_step_ns: cost of one step where it cannot be measured (lock-step).
        max_steps: a run is stopped after so many.
        epsilon, window: default halting: |slope| < epsilon over `window` steps.
        full_value: relative fall of the energy that counts as full value.
    """

    name: str
    interest: Interest
    nominal_step_ns: int
    max_steps: int = 64
    epsilon: float = 1e-3
    window: int = 3
    full_value: float = 0.5

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
        """Why to stop now, in words; empty: go on. Budget, timeout and cancellation come apart."""
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
        """

    def value(self, history: History) -> float:
        """Value delivered, [0, 1]: by default how far the energy fell."""
        first, last = history.energies[0], history.energies[-1]
        fall = (first - last) / max(abs(first), 1e-9)
        return min(1.0, max(0.0, fall / self.full_value))

    def telemetry(self, state: State) -> Mapping[str, float | str | bool]:
        """What else to show of a run; scalars."""
        return {}
