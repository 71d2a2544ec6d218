"""How long any other output of a composed graph stands still while a node is made inactive and
active again."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from lifecycle_msgs.msg import Transition

from sage.graph.catalogue import NodeKind
from sage.graph.description import Graph, GraphOptions, NodeSpec, describe
from sage.run.session import RunOptions, Session
from sage_bench.loop.beside import Beside
from sage_bench.loop.gaps import Arrivals
from sage_bench.loop.heartbeat_node import HEARTBEAT, SPEC
from sage_bench.loop.stored import fill
from sage_bench.result import Row
from sage_common.core.topics import topic, topic_name

GOAL_MS = 100.0
QUICK_NODES = ("memory", "vision_encoder", "fusion")
QUIET_S, QUIET_QUICK_S = 10.0, 3.0
TIMES = 3
"""So often each node is taken through its transitions; quick: once."""
INACTIVE_S = 0.5
SETTLE_S = 0.5
BACK_TIMEOUT_S = 30.0
_VISION = ("recording", "vision_encoder")
_BODY = ("recording", "proprioception_encoder")
OUTPUTS = {
    (HEARTBEAT, HEARTBEAT): (),
    ("camera/info", topic_name("camera/info", name="front")): ("recording",),
    ("imu/data", topic_name("imu/data", name="body")): ("recording",),
    ("puzzle", topic_name("puzzle", modality="vision")): _VISION,
    ("salience", topic_name("salience", modality="vision")): (*_VISION, "vision_scorer"),
    ("puzzle", topic_name("puzzle", modality="proprioception")): _BODY,
    ("salience", topic_name("salience", modality="proprioception")): (
        *_BODY, "proprioception_scorer",
    ),
    ("fused_salience", topic_name("fused_salience")): (
        *_VISION, "vision_scorer", *_BODY, "proprioception_scorer", "audio_encoder",
        "audio_scorer", "language_encoder", "language_scorer", "fusion",
    ),
}  # fmt: skip
"""Outputs that come at least 20 times a second: (key, name) -> nodes without which they end.

Slower ones have longer gaps by nature. All that is scored comes into the fused salience.
"""


def transition_rows(quick: bool, stored: int) -> list[Row]:
    """One row a node of the composed graph, its memory holding `stored` experiences."""
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "wb") as log:
        fill(Path(home), stored)
        graph = with_heartbeat(describe(GraphOptions(home=home, resume=False)))
        names = [node.name for node in graph.nodes if node.name != HEARTBEAT]
        taken = Transitions(
            [name for name in names if not quick or name in QUICK_NODES],
            QUIET_QUICK_S if quick else QUIET_S,
            1 if quick else TIMES,
        )
        session = Session(graph, RunOptions(composed=True, log_level="warn", log=log))
        session.on_tick = taken.tick
        session.run()
    if taken.error is not None:
        raise taken.error
    return taken.rows(stored)


def with_heartbeat(graph: Graph) -> Graph:
    """The graph with a heartbeat in its process."""
    module = "sage_bench.loop.heartbeat_node"
    kind = NodeKind("sage_bench", "", f"{module}:HeartbeatNode", f"{module}:HeartbeatParameters")
    shared = {"home": graph.options.home, "resume": False}
    beat = NodeSpec(HEARTBEAT, HEARTBEAT, graph.options.namespace, shared, declared=kind)
    return replace(graph, nodes=(beat, *graph.nodes))


def types_of_outputs() -> dict[str, str]:
    """Interfaces of the outputs, by name."""
    specs = {name: SPEC if key == HEARTBEAT else topic(key) for key, name in OUTPUTS}
    return {name: spec.type for name, spec in specs.items()}


@dataclass
class Taken:
    """A node went inactive and active again: `took_s` for both, from `begin_s` to `end_s`, when
    all outputs were back."""

    node: str
    begin_s: float
    end_s: float
    took_s: float


@dataclass
class Transitions:
    """Takes nodes through their transitions, one after another, beside a running session.

    Args:
        nodes: names.
        quiet_s: how long the usual gaps are looked at before [s].
        times: how often each is.

    Attributes:
        error: what ended it before its end.
    """

    nodes: list[str]
    quiet_s: float
    times: int = 1
    error: Exception | None = None
    _arrivals: Arrivals = field(
        default_factory=lambda: Arrivals(time.monotonic, types_of_outputs())
    )
    _taken: list[Taken] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _quiet: tuple[float, float] = (0.0, 0.0)

    def tick(self, session: Session) -> None:
        """Begin once every node has reported."""
        if self._thread is None and session.elapsed_s > 0.0 and session.all_heard():
            self._thread = threading.Thread(target=self._run, args=(session,), daemon=True)
            self._thread.start()

    def rows(self, stored: int) -> list[Row]:
        """The longest gap of each, beside that of the same outputs while nothing was done."""
        return [self._row(node, stored) for node in self.nodes]

    def _row(self, node: str, stored: int) -> Row:
        others = [name for (_, name), needed in OUTPUTS.items() if node not in needed]
        what = f"{node} with {stored} experiences" if node == "memory" else node
        gap_s, taken = self._arrivals.longest_gap_s, [t for t in self._taken if t.node == node]
        return Row(
            f"longest gap of any other output while {what} goes inactive and active again",
            max(gap_s(others, each.begin_s, each.end_s) for each in taken) * 1e3,
            "ms",
            GOAL_MS,
            baselines={
                "without transitions": gap_s(others, *self._quiet) * 1e3,
                "the transitions themselves": max(each.took_s for each in taken) * 1e3,
            },
            samples=len(taken),
        )

    def _run(self, session: Session) -> None:
        try:
            namespace, note = session.graph.options.namespace, self._arrivals.note
            with Beside(namespace, types_of_outputs(), note) as beside:
                begin_s = time.monotonic() + SETTLE_S
                time.sleep(SETTLE_S + self.quiet_s)
                self._quiet = (begin_s, time.monotonic())
                if silent := self._arrivals.silent():
                    raise TimeoutError(f"nothing came of {', '.join(silent)}")
                for node in self.nodes * self.times:
                    self._taken.append(self._take_through(beside, node))
                    time.sleep(SETTLE_S)
        except Exception as error:  # noqa: BLE001 - raised where the rows are asked for
            self.error = error
        finally:
            session.stop()

    def _take_through(self, beside: Beside, node: str) -> Taken:
        begin_s = time.monotonic()
        took_s = beside.change(node, Transition.TRANSITION_DEACTIVATE)
        time.sleep(INACTIVE_S)
        took_s += beside.change(node, Transition.TRANSITION_ACTIVATE)
        time.sleep(SETTLE_S)
        self._wait_for_outputs(node)
        return Taken(node, begin_s, time.monotonic(), took_s)

    def _wait_for_outputs(self, node: str) -> None:
        """Until all outputs are back, so that this node is charged with all that it held up.

        Raises:
            TimeoutError: one does not come back.
        """
        since_s = time.monotonic()
        end_s = since_s + BACK_TIMEOUT_S
        while not self._arrivals.all_since(since_s):
            if time.monotonic() > end_s:
                raise TimeoutError(f"{node} is active, and not all outputs have come back")
            time.sleep(SETTLE_S / 10)
