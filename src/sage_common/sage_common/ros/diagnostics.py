"""What a node reports in /diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from sage_common.core.diagnosis.node_status import (
    AT_FAULT,
    PUBLISHED,
    RECEIVED,
    REPORT_LOOKS,
    RESTING_LOOKS,
)
from sage_common.core.diagnosis.timing import KEY_ENDING, Timing
from sage_common.core.health import InputHealth
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.core.topics import TopicSpec
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.host import HEALTH_LEVELS, Publisher, Worker
from sage_msgs.msg import MetabolicState

OWED = 2
"""Reports to somebody new: the middleware may know him before he knows it, and lose the first."""
_RESTING = (MetabolicState.REST, MetabolicState.DREAM)
DIAGNOSTICS = TopicSpec(
    "diagnostics", "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray",
    "standard", 0.0, 0.0, False, True, "all -> status, rqt", "health of every node",
)  # fmt: skip
HARDWARE_ID = "sage"
_LEVELS = dict(
    zip(
        HEALTH_LEVELS,
        (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR),
        strict=True,
    )
)


class Diagnostics(Stateful):
    """Collects the health of one node and renders it as a message.

    Attributes:
        inputs: health of every subscription.
        outputs: every publisher.
        workers: every worker, by name.
        timings: of stages, by name.
        values: key/value pairs of the node's own.
        sources: give more of these when they are asked.
        problems: what is wrong beside the node's own health, by cause; each is an error.
        concerns: the same of what is a warning.
        failures: errors of callbacks and jobs so far.
        is_resting: the robot rests, so that reports are rarer.
    """

    inputs: State[list[InputHealth]]
    values: State[dict[str, str]]
    problems: State[dict[str, str]]
    concerns: State[dict[str, str]]
    failures: State[int] = 0
    is_resting: State[bool] = False
    _looks: State[int] = 0
    """Since the last report."""
    _reported: State[tuple[str, str]] = ("", "")
    _listeners: State[int] = 0
    _owed: State[int] = 0
    _health: State[tuple[str, str]] = ("ok", "running")

    def __init__(self) -> None:
        self.inputs = []
        self.outputs: dict[str, Publisher] = {}
        self.workers: dict[str, Worker] = {}
        self.timings: dict[str, Timing] = {}
        self.values = {}
        self.sources: list[Callable[[], Mapping[str, object]]] = []
        self.problems = {}
        self.concerns = {}

    def clear(self) -> None:
        """Forget all that the node has registered; it is configured anew."""
        self.sources.clear()
        self.inputs.clear()
        self.outputs.clear()
        self.workers.clear()
        self.timings.clear()
        self.problems.clear()
        self.concerns.clear()

    def show(self, values: Mapping[str, object]) -> None:
        """Show key/value pairs from now on."""
        self.values.update({key: str(value) for key, value in values.items()})

    def set_health(self, level: str, text: str) -> None:
        """Set the node's own health.

        Raises:
            ValueError: a level other than ok, warn, error.
        """
        if level not in _LEVELS:
            raise ValueError(f"level = {level!r}: expected one of {', '.join(_LEVELS)}")
        self._health = (level, text)

    def hear_state(self, message: MetabolicState) -> None:
        """The metabolic state is this, or governs no more."""
        self.is_resting = message.cycle_ms > 0.0 and message.state in _RESTING

    def is_due(self, now_ns: int, active: bool, listeners: int) -> bool:
        """Whether to report now to so many; asked every `LOOK_PERIOD_S`.

        Only every `REPORT_LOOKS`-th time, while the robot rests every `RESTING_LOOKS`-th; or when
        the health has changed, or somebody new listens.
        """
        summary = self._summary(now_ns, active)
        if listeners > self._listeners:
            self._owed = OWED
        self._looks += 1
        self._listeners = listeners
        unchanged = summary == self._reported and not self._owed
        if unchanged and self._looks < (RESTING_LOOKS if self.is_resting else REPORT_LOOKS):
            return False
        self._looks, self._reported, self._owed = 0, summary, max(self._owed - 1, 0)
        return True

    def message(self, name: str, now_ns: int, active: bool) -> DiagnosticArray:
        """The state of the node called `name`, as one status."""
        level, text = self._summary(now_ns, active)
        status = DiagnosticStatus(level=_LEVELS[level], name=name, message=text)
        status.hardware_id = HARDWARE_ID
        pairs = self._pairs()
        if active and (topics := {t for named in self._at_fault(now_ns).values() for t in named}):
            pairs[AT_FAULT] = ", ".join(sorted(topics))
        status.values = [KeyValue(key=key, value=value) for key, value in pairs.items()]
        array = DiagnosticArray(status=[status])
        array.header.stamp = to_stamp(now_ns)
        return array

    def _summary(self, now_ns: int, active: bool) -> tuple[str, str]:
        level, text = self._health
        if level == "error":
            return level, text
        problems = [*self.problems.values(), *(i.refused for i in self.inputs if i.refused)]
        if problems:
            return "error", "; ".join(problems)
        if level == "warn" or not active:
            return level, text
        if self.concerns:
            return "warn", "; ".join(self.concerns.values())
        for said, topics in self._at_fault(now_ns).items():
            return "warn", f"{said} {', '.join(topics)}"
        return level, text

    def _at_fault(self, now_ns: int) -> dict[str, list[str]]:
        """Topics of inputs with which something is wrong, by what it is, the worst first."""
        found = {
            "no fresh input on": [i.topic for i in self.inputs if not i.alive(now_ns)],
            "wrong input on": [i.topic for i in self.inputs if not i.valid(now_ns)],
            "input below half its rate on": [i.topic for i in self.inputs if not i.rate_ok],
        }
        return {said: list(dict.fromkeys(topics)) for said, topics in found.items() if topics}

    def _pairs(self) -> dict[str, str]:
        # Workers add values while this runs; copying a dict is atomic in CPython.
        pairs = dict(self.values)
        for source in self.sources:
            pairs.update({key: str(value) for key, value in source().items()})
        for item in self.inputs:
            pairs[item.topic + RECEIVED] = str(item.received)
            pairs[f"{item.topic} rejected"] = str(item.rejected)
            if item.received:
                mean_ms = item.busy_ns / item.received * 1e-6
                pairs[f"{item.topic} rate [Hz]"] = f"{item.measured_rate_hz:.2f}"
                pairs[f"{item.topic} callback mean, max [ms]"] = (
                    f"{mean_ms:.3f}, {item.slowest_ns * 1e-6:.3f}"
                )
            if item.last_fault:
                pairs[f"{item.topic} last fault"] = item.last_fault
            if item.refused:
                pairs[f"{item.topic} refused"] = item.refused
        for output in list(self.outputs.values()):
            pairs[output.topic + PUBLISHED] = str(output.published)
        for name, worker in list(self.workers.items()):
            pairs[f"worker {name} dropped"] = str(worker.dropped)
        for name, timing in list(self.timings.items()):
            if facts := timing.facts():
                pairs[name + KEY_ENDING] = facts.words
        return pairs
