"""Runs a graph in lock-step: one process, simulated time, the same output each time."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sage.bags.message import BagMessage
from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.writer import BagWriter
from sage.graph.description import Graph
from sage.replay.suspended_run import SuspendedRun, check_can_be_suspended, suspend_run
from sage.sources.bag_plan import BagPlan, Route
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sha256_of
from sage_common.core.specs.registered_topics import registered_topic
from sage_common.ros.container import node_class
from sage_common.ros.lockstep.host import Delivered, LockstepHost

# What is still on its way at the end of a bag gets this much simulated time.
TAIL_S = 1.0


class Output:
    """Everything that the nodes publish: counted, hashed, and written if a folder is given.

    Args:
        folder: of the bag, made with the first message; None: nothing is written.

    Raises:
        InvalidInput: the folder exists.

    Attributes:
        messages: by topic.
        writer: of the bag; None as long as there is none.
    """

    def __init__(self, folder: Path | None) -> None:
        if folder is not None and folder.exists():
            raise InvalidInput("output", str(folder), "a folder that does not exist yet")
        self.messages: Counter[str] = Counter()
        self.writer: BagWriter | None = None
        self._folder = folder
        self._digest = hashlib.sha256()

    def add(self, item: Delivered) -> None:
        """Take one message."""
        self.messages[item.topic] += 1
        self._digest.update(f"{item.time_ns} {item.topic} {len(item.data)}\n".encode())
        self._digest.update(item.data)
        if self._folder is None:
            return
        if self.writer is None:
            self.writer = BagWriter(self._folder)
        known = registered_topic(item.topic, item.type_name)
        qos = QOS_BY_PROFILE[known.spec.qos if known else "standard"]
        self.writer.add_topic(item.topic, item.type_name, qos)
        self.writer.write(item.topic, item.time_ns, item.data)

    def close(self) -> dict[str, str]:
        """Finish the bag; its folder and the SHA-256 of its MCAP file, if there is one."""
        if self.writer is None:
            return {}
        self.writer.close()
        return {"bag": str(self.writer.folder), "bag_sha256": sha256_of(self.writer.path)}

    def discard(self) -> None:
        """Remove the bag, if there is one: of a run that was refused."""
        if self.writer is None:
            return
        self.writer.close()
        shutil.rmtree(self.writer.folder)
        self.writer = None

    def digest(self) -> str:
        """SHA-256 over time, topic and bytes of all messages, in order."""
        return str(self._digest.hexdigest())


class LockstepReplay:
    """A graph on the lock-step host.

    Args:
        graph: its nodes.
        start_ns: simulated time at the start [ns]; with `suspended` that at which it ended.
        output: takes what the nodes publish.
        suspended: an earlier run, to go on from there.
        suspend_to: where to write the state at the end, with no tail; None: nowhere.
    """

    def __init__(
        self,
        graph: Graph,
        start_ns: int,
        output: Output,
        suspended: SuspendedRun | None = None,
        suspend_to: Path | None = None,
    ) -> None:
        self.output = output
        self._graph = graph
        self._suspended = suspended
        self._suspend_to = suspend_to
        self._start_ns = start_ns if suspended is None else suspended.clock_ns
        self.host = LockstepHost(
            self._start_ns, namespace=graph.options.namespace, keep_outputs=False
        )
        self.host.on_output = output.add

    def play(self, plan: BagPlan, duration_s: float | None = None) -> dict[str, Any]:
        """Play a bag through the graph from the start time, at most `duration_s`; the summary.

        Raises:
            InvalidInput: it cannot be resumed, or not be suspended.
        """
        end_ns = max(plan.bag.end_ns, self._start_ns)
        if duration_s is not None:
            end_ns = min(end_ns, self._start_ns + round(duration_s * NS_PER_S))
        return self._run(self._feed(plan, end_ns))

    def run_for(self, duration_s: float) -> dict[str, Any]:
        """Run a graph that brings its own sensors; the summary."""
        return self._run(iter([self._start_ns + round(duration_s * NS_PER_S)]))

    def play_stream(self, stream: Iterable[Delivered]) -> dict[str, Any]:
        """Play serialized messages, which come in order of time, to the last; the summary."""
        return self._run(self._published(stream))

    def _published(self, stream: Iterable[Delivered]) -> Iterator[int]:
        last_ns = self._start_ns
        for item in stream:
            yield item.time_ns - 1
            self.host.publish_serialized(item.time_ns, item.topic, item.type_name, item.data)
            last_ns = item.time_ns
        yield last_ns

    def _feed(self, plan: BagPlan, end_ns: int) -> Iterator[int]:
        """Publish the bag's messages; yields the times up to which the graph may run."""
        for message, route in self._due(plan):
            if message.time_ns > end_ns:
                break
            # All that has one time is published before any of it is delivered.
            yield message.time_ns - 1
            data = route.moved(message)
            self.host.publish_serialized(message.time_ns, route.target, route.type_name, data)
        yield end_ns if self._suspend_to is not None else end_ns + round(TAIL_S * NS_PER_S)

    def _due(self, plan: BagPlan) -> Iterator[tuple[BagMessage, Route]]:
        """What is still to be played; latched messages of before the start come with it."""
        latched: dict[str, tuple[BagMessage, Route]] = {}
        for message, route in plan.messages():
            if self._suspended is not None and message.time_ns <= self._suspended.clock_ns:
                continue
            if message.time_ns < self._start_ns:
                if route.qos.latched:
                    latched[message.topic] = (message, route)
                continue
            for earlier, its_route in latched.values():
                yield replace(earlier, time_ns=self._start_ns), its_route
            latched.clear()
            yield message, route

    def _run(self, times_ns: Iterator[int]) -> dict[str, Any]:
        begin = time.monotonic()
        try:
            self._start()
            if self._suspend_to is not None:
                check_can_be_suspended(self.host)
            for time_ns in times_ns:
                if time_ns >= self.host.clock.now_ns():
                    self.host.run_until(time_ns)
            if self._suspend_to is not None:
                suspend_run(self.host, self._suspend_to)
                self.host.on_output = None  # the run that resumes it has not heard it close
        finally:
            self.host.close()
        wall_s = time.monotonic() - begin
        simulated_s = (self.host.clock.now_ns() - self._start_ns) / NS_PER_S
        return {
            "source": self._graph.options.source,
            "profile": self._graph.options.profile,
            "simulated_s": round(simulated_s, 3),
            "wall_s": round(wall_s, 3),
            "factor": round(simulated_s / wall_s, 2) if wall_s else None,
            "messages": dict(sorted(self.output.messages.items())),
            "digest": self.output.digest(),
            "backends": dict(self._graph.backends),
            "warnings": [*self._graph.warnings, *self._lines("warning")],
            "errors": self._lines("error"),
        }

    def _start(self) -> None:
        if self._suspended is None:
            self._add_nodes()
            return
        with self.host.preparing():
            self._add_nodes()
            self._suspended.resume(self.host)

    def _add_nodes(self) -> None:
        for node in self._graph.nodes:
            kind = node_class(node.type.node_class)
            self.host.add(kind, node.name, node.own_parameters, node.remappings)

    def _lines(self, level: str) -> list[str]:
        """What the nodes logged at this level, each text once."""
        lines = (f"{line.node}: {line.text}" for line in self.host.logs if line.level == level)
        return list(dict.fromkeys(lines))
