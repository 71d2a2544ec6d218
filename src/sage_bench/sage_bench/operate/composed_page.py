"""What the page adds to a graph of one process."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from statistics import mean, stdev

from sage.graph.description import GraphOptions
from sage.graph.environment import enter, graph_environment
from sage.observe.attached import Attached
from sage_bench.operate.diagnostics_listener import DiagnosticsListener
from sage_bench.operate.page_graph import STREAM, Taken, page_graph, taken
from sage_bench.operate.viewers import Viewers
from sage_bench.result import Row

CONTAINER, GATEWAY = "container", "gateway"
SETTLE_S, WARM_UP_S, PAIRED_S = 1.0, 15.0, 5.0
CPU_GOALS = (0.5, 3.0)
Z95 = 1.96


def composed_rows(phase_s: float, pairs: int, memory_goal_mb: float) -> list[Row]:
    """The page without a viewer and with one, over the same process without it.

    Args:
        phase_s: how long memory is looked at.
        pairs: how often the page is taken out and in.
        memory_goal_mb: that it may add.
    """
    with page_graph(composed=True) as graph:
        time.sleep(WARM_UP_S)
        without = taken(graph.nodes[CONTAINER], phase_s, time.sleep)
    with page_graph(True, ["--page"]) as graph:
        process = graph.nodes[CONTAINER]
        with Viewers(graph.port, STREAM, graph.token, 1):
            time.sleep(WARM_UP_S)
            watched = taken(process, phase_s, time.sleep)
        enter(graph_environment(int(os.environ["ROS_DOMAIN_ID"]), False, graph.home))
        none, one = [], []
        with Attached(DiagnosticsListener, GraphOptions().namespace) as attached:
            listener = attached.node
            for _ in range(pairs):
                listener.set_active(GATEWAY, False)
                time.sleep(SETTLE_S)
                out = taken(process, PAIRED_S, time.sleep)
                listener.set_active(GATEWAY, True)
                time.sleep(SETTLE_S)
                none.append(taken(process, PAIRED_S, time.sleep).cpu - out.cpu)
                with Viewers(graph.port, STREAM, graph.token, 1):
                    time.sleep(SETTLE_S)
                    one.append(taken(process, PAIRED_S, time.sleep).cpu - out.cpu)
    return [
        _difference("page in the one process, no viewer: processor it adds", none, CPU_GOALS[0]),
        _difference("page in the one process, one viewer: processor it adds", one, CPU_GOALS[1]),
        _memory(watched, without, memory_goal_mb),
    ]


def _difference(name: str, differences: Sequence[float], goal: float) -> Row:
    middle = mean(differences)
    spread = Z95 * stdev(differences) / len(differences) ** 0.5 if len(differences) > 1 else None
    low, high = (None, None) if spread is None else (middle - spread, middle + spread)
    return Row(name, middle, "% of a core", goal, samples=len(differences), low=low, high=high)


def _memory(watched: Taken, without: Taken, goal_mb: float) -> Row:
    return Row(
        "page in the one process, one viewer: memory (PSS) it adds",
        watched.pss_mb - without.pss_mb, "MB", goal_mb,
        baselines={"the process without it": without.pss_mb},
    )  # fmt: skip
