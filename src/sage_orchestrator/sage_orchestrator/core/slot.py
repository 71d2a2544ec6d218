"""What the orchestrator keeps of one plugin."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sage_common.core.errors import CannotContinue
from sage_orchestrator.core.allocation import Demand
from sage_orchestrator.core.atp import to_ns
from sage_orchestrator.core.isolation import Isolation
from sage_orchestrator.core.plugin import Interest, Plugin, Region, Task
from sage_orchestrator.core.run import Ending, Run
from sage_orchestrator.core.states import PluginState
from sage_orchestrator.core.trust import Trust

_NS_PER_S = 1_000_000_000
_DELIVERIES_KEPT = 64
_AT_REST = (
    "submitted_ns", "started_ns", "last_stamp_ns", "debt_ns", "credit_ns", "salience", "reason",
    "steps", "energy",
)  # fmt: skip


@dataclass(frozen=True)
class Cue:
    """Something new that plugins may want to work on.

    Attributes:
        trigger: "attention" or "percept".
        modality, source: whose.
        stamp_ns: capture time; the same stamp is worked on once.
        salience: [0, 1].
        dominant: its modality contributes most to the fused salience.
        region: of attention, if it is one in an image.
    """

    trigger: str
    modality: str
    source: str
    stamp_ns: int
    salience: float
    dominant: bool = False
    region: Region | None = None


class Order:
    """A run that somebody asked for by hand; goes on over cycles until its budget is spent."""

    def __init__(self, task: Task, limit_ns: int, timeout_ns: int) -> None:
        self.task = task
        self.limit_ns = limit_ns
        self.timeout_ns = timeout_ns
        self.run: Run | None = None
        self.ending: Ending | None = None
        self._done = threading.Event()

    def finish(self, ending: Ending) -> None:
        """The run ended."""
        self.ending = ending
        self._done.set()

    def wait(self, timeout_s: float) -> Ending | None:
        """The ending; None if it has not ended within the time."""
        self._done.wait(timeout_s)
        return self.ending


@dataclass
class Slot:
    """One plugin: its instance, its trust, what it is doing now, and what it owes.

    Attributes:
        plugin: None until its worker made one; a hung thread keeps the old instance for itself.
        paused: the run waits for the next cycle's share.
        pending: the cue that the next run is about.
        submitted_ns: when the run was handed to the worker.
        last_stamp_ns: of the newest cue that it worked on.
        delivered: capture times of what it delivered results about, newest last.
    """

    name: str
    create: Callable[[], Plugin[Any]]
    interest: Interest
    trust: Trust
    isolation: Isolation
    plugin: Plugin[Any] | None = None
    loaded: bool = False
    run: Run | None = None
    paused: bool = False
    pending: Cue | None = None
    order: Order | None = None
    submitted_ns: int = 0
    started_ns: int | None = None
    last_stamp_ns: int | None = None
    debt_ns: int = 0
    credit_ns: int = 0
    salience: float = 0.0
    state: PluginState = PluginState.IDLE
    reason: str = ""
    steps: int = 0
    energy: float = 0.0
    delivered: deque[int] = field(default_factory=lambda: deque(maxlen=_DELIVERIES_KEPT))

    def present(self) -> dict[str, Any]:
        """What it did last and owes, while it is at rest.

        Raises:
            CannotContinue: it is at work, or ordered to work.
        """
        if self.run is not None or self.order is not None:
            raise CannotContinue(f"plugin {self.name} is at work")
        own = {name: getattr(self, name) for name in _AT_REST}
        return {**own, "state": int(self.state), "isolation": self.isolation.state()}

    def restore_present(self, present: Mapping[str, Any]) -> None:
        """Continue from `present()`."""
        for name in _AT_REST:
            setattr(self, name, present[name])
        self.state = PluginState(present["state"])
        self.isolation.restore(present["isolation"])

    @property
    def in_flight(self) -> bool:
        """Whether its worker is at work."""
        return self.run is not None and not self.paused

    def asks(self, cues: Sequence[Cue], now_ns: int) -> bool:
        """Whether it wants compute now; notes what for, or why it does not."""
        if self.run is not None:
            return True
        self.steps, self.energy, self.pending = 0, 0.0, None
        if self.isolation.isolated(now_ns):
            self.state, self.reason = PluginState.ISOLATED, self.isolation.reason(now_ns)
            return False
        if self.order is not None:
            self.salience = 1.0
            return True
        choice = self._choose(cues, now_ns)
        if isinstance(choice, str):
            self.state, self.reason, self.salience = PluginState.IDLE, choice, 0.0
            return False
        self.pending, self.salience = choice, choice.salience
        return True

    def demand(self) -> Demand:
        """What it asks for."""
        if self.order is None:
            requested_ns = to_ns(self.interest.request_atp)
        else:
            done_ns = 0 if self.run is None else self.run.spent_ns
            requested_ns = max(0, self.order.limit_ns - done_ns)
        return Demand(
            self.name, self.trust.value, self.salience, requested_ns, self.debt_ns, self.credit_ns
        )

    def _choose(self, cues: Sequence[Cue], now_ns: int) -> Cue | str:
        """The cue to work on next, or why there is none, in words."""
        interest = self.interest
        fitting = [cue for cue in cues if self._fits(cue)]
        new = [cue for cue in fitting if cue.stamp_ns != self.last_stamp_ns]
        if not new:
            return f"no new {interest.trigger} to work on"
        best = max(new, key=lambda cue: cue.salience)
        if best.salience < interest.min_salience:
            return f"salience {best.salience:.2f} is below its {interest.min_salience:.2f}"
        period_ns = round(interest.period_s * _NS_PER_S)
        if self.started_ns is not None and now_ns - self.started_ns < period_ns:
            return f"runs at most every {interest.period_s:g} s"
        return best

    def _fits(self, cue: Cue) -> bool:
        if cue.trigger != self.interest.trigger:
            return False
        if self.interest.modality:
            return cue.modality == self.interest.modality
        return cue.trigger == "attention" or cue.dominant
