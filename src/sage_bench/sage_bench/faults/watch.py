"""What a graph says of itself while faults are tried: rates, health, experiences."""

from __future__ import annotations

import re
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from sage.observe.counters import node_name
from sage.observe.observer_node import ObserverNode
from sage_common.core.diagnosis.node_status import SUPERVISOR
from sage_common.ros.diagnostics import HARDWARE_ID, PUBLISHED, RECEIVED

KEPT = 120
"""Reports of each node; it sends one a second."""
REJECTED = " rejected"
SILENT_S = 3.5


class Report(NamedTuple):
    """What a node said at `time_s` [s, monotonic]: `level` 0 ok, 1 warn, 2 error; counts since its
    start."""

    time_s: float
    level: int
    message: str
    published: int
    rejected: int
    values: Mapping[str, str]


class Watch:
    """Listens beside the observer of a session; another thread reads.

    Attributes:
        acknowledged: ids of experiences that the memory said it keeps.
        said: what the supervisor said, and when.
    """

    def __init__(self, observer: ObserverNode, namespace: str) -> None:
        self._reports: dict[str, deque[Report]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.acknowledged: set[str] = set()
        self.said: deque[tuple[float, str]] = deque(maxlen=KEPT)
        self._namespace = namespace
        observer.subscribe_foreign(
            "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", self._hear,
            stamp_checked=False, qos="standard",
        )  # fmt: skip
        observer.subscribe_foreign(
            f"{namespace}/experience", "sage_msgs/msg/Experience",
            lambda message: self.acknowledged.add(str(message.id)),
            stamp_checked=False, qos="standard",
        )  # fmt: skip

    def _hear(self, message: Any) -> None:
        now_s = time.monotonic()
        for status in message.status:
            if status.hardware_id != HARDWARE_ID:
                continue
            if status.name.endswith(f"/{SUPERVISOR}"):
                self.said.append((now_s, status.message))
                continue
            values = {item.key: item.value for item in status.values}
            self._reports[node_name(status)].append(
                Report(
                    now_s, status.level[0], status.message,
                    _total(values, PUBLISHED), _total(values, REJECTED), values,
                )
            )  # fmt: skip

    def newest(self, node: str) -> Report | None:
        """What it said last."""
        reports = self._reports.get(node)
        return reports[-1] if reports else None

    def levels(self, nodes: Iterable[str]) -> dict[str, int]:
        """How they say they are."""
        reports = {node: self.newest(node) for node in nodes}
        return {node: report.level if report else 0 for node, report in reports.items()}

    def inputs(self, node: str) -> list[str]:
        """Topics that it listens to, without the namespace."""
        prefix = f"{self._namespace}/"
        topics = self._topics(node, RECEIVED)
        return sorted(t.removeprefix(prefix) for t in topics if t.startswith(prefix))

    def rate_hz(self, node: str, begin_s: float, end_s: float) -> float:
        """Messages that it published a second in that time, from the last report before it on; 0 if
        it hardly reported."""
        before = self._within(node, 0.0, begin_s)[-1:]
        return rate_of(before + self._within(node, begin_s, end_s))

    def rejected(self, node: str, begin_s: float, end_s: float) -> int:
        """Messages that it refused in that time."""
        counts = [report.rejected for report in self._within(node, begin_s, end_s)]
        return sum(max(b - a, 0) for a, b in pairwise(counts))

    def named_s(self, nodes: Iterable[str], pattern: str, begin_s: float) -> float:
        """When a status of the nodes or the supervisor first matched it after `begin_s`; or 0."""
        wanted, times = re.compile(pattern), []
        for node in nodes:
            past = {fault for r in self._within(node, 0.0, begin_s) for fault in _faults(r.values)}
            times += [
                r.time_s for r in self._within(node, begin_s, time.monotonic())
                if r.level and wanted.search("; ".join((r.message, *(_faults(r.values) - past))))
            ]  # fmt: skip
            told = re.compile(rf"\b{re.escape(node)}: its process ended \([^)]*({pattern})")
            times += [
                at_s for at_s, text in tuple(self.said) if at_s > begin_s and told.search(text)
            ]
        return min(times, default=0.0)

    def readers(self, nodes: Iterable[str]) -> list[str]:
        """Nodes that listen to what these publish: who refuses it names them."""
        given = {topic for node in nodes for topic in self._topics(node, PUBLISHED)}
        return [n for n in tuple(self._reports) if given & self._topics(n, RECEIVED)]

    def unwell(self, levels: Mapping[str, int]) -> dict[str, str]:
        """Nodes that are worse than these levels, or say nothing, in words."""
        now_s, found = time.monotonic(), {}
        for node, level in levels.items():
            report = self.newest(node)
            if report is None or now_s - report.time_s > SILENT_S:
                found[node] = "no report"
            elif report.level > level:
                found[node] = report.message
        return found

    def slow(self, rates: Mapping[str, float], share: float, over_s: float) -> dict[str, str]:
        """Nodes that publish less than that share of their rates, in words."""
        now_s = time.monotonic()
        now_hz = {node: self.rate_hz(node, now_s - over_s, now_s) for node in rates}
        return {
            node: f"{now_hz[node]:.1f} of {hz:.1f} messages/s"
            for node, hz in rates.items()
            if hz >= 1.0 and now_hz[node] < share * hz
        }

    def _topics(self, node: str, ending: str) -> set[str]:
        report = self.newest(node)
        keys = report.values if report else {}
        return {key.removesuffix(ending) for key in keys if key.endswith(ending)}

    def _within(self, node: str, begin_s: float, end_s: float) -> list[Report]:
        return [r for r in tuple(self._reports.get(node, ())) if begin_s < r.time_s <= end_s]


def rate_of(reports: list[Report]) -> float:
    """Messages a second between the first and the last report; a count that falls began anew."""
    if len(reports) < 2:
        return 0.0
    counts = [report.published for report in reports]
    steps = (b - a if b >= a else b for a, b in pairwise(counts))
    return sum(steps) / (reports[-1].time_s - reports[0].time_s)


def _total(values: Mapping[str, str], ending: str) -> int:
    return sum(int(v) for k, v in values.items() if k.endswith(ending) and v.isdecimal())


def _faults(values: Mapping[str, str]) -> set[str]:
    return {value for key, value in values.items() if key.endswith("last fault")}
