"""What the page costs: processor, memory and time, with viewers and without."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import linear_regression

import psutil

from sage.graph.description import GraphOptions
from sage.graph.environment import enter, graph_environment
from sage.observe.attached import Attached
from sage_bench.encoders.section import Figures, Setting
from sage_bench.operate.bare_stream import bare_stream
from sage_bench.operate.browser import chromium
from sage_bench.operate.composed_page import composed_rows
from sage_bench.operate.diagnostics_listener import DiagnosticsListener
from sage_bench.operate.first_paint import first_paints_s
from sage_bench.operate.page_graph import MB, STREAM, PageGraph, Taken, page_graph, taken
from sage_bench.operate.viewers import Viewers
from sage_bench.result import Row, row_of_samples
from sage_common.core.diagnosis.node_status import REPORT_PERIOD_S
from sage_gateway.backends.page_files import page_files

GATEWAY, IDLE = "gateway", "language_scorer"
BARE = "uvicorn alone with one stream"
NOBODY, ONE, FIVE, SLOW = "no viewer", "one viewer", "five viewers", "one very slow viewer"
WATCHING = {NOBODY: (0, 0), ONE: (1, 0), FIVE: (5, 0), SLOW: (0, 1)}
"""How many take the stream at once, and how many very slowly."""
CPU_GOALS, MEMORY_GOALS_MB = {NOBODY: 0.5, ONE: 3.0}, {ONE: 25.0}
SIZE_GOAL_KB, PAINT_GOAL_S, SCRAPE_GOAL_MS, SERIES_GOAL = 300.0, 1.0, 20.0, 500.0
RATE_GOAL_HZ, KB_GOAL, COST_GOAL, KEPT_GOAL = 2.0, 20.0, 1.0, 0.98
SETTLE_S = 3.0
NOTES = (
    "page: a graph of synthetic sensors; a viewer takes the stream that the page asks for, with "
    "the camera's pictures; a very slow one takes 8 bytes a second into a buffer of 4 kB; a node "
    "that has nothing to do is the scorer of words; 0 % of a core is read as less than half a "
    "percent",
    "page: what fusion published beside the slow viewer is what it counts itself, a second, over "
    "the same without a viewer",
    "page: the goal of 25 MB is read as what the page adds: a process with nothing but ROS 2 in "
    "it takes more than that",
    "page: private memory is what no other process has; a process a node shares with the others "
    "what the fork server has loaded, until it is written to",
    "page: sage run as a service runs it, without --json and --duration: else it also counts all "
    "that is published for its summary; supervision alone is a row of the part of that name",
    "page: growth is the slope of the private memory of a straight line through a look a second; "
    "the history fills for ten minutes, and sage soak looks for hours",
)


@dataclass(frozen=True)
class Lengths:
    """How long or how often is measured."""

    phase_s: float
    growth_s: float
    scrapes: int
    paints: int
    pairs: int


FULL, QUICK = Lengths(25.0, 120.0, 100, 5, 8), Lengths(4.0, 5.0, 10, 1, 1)


def rows(setting: Setting) -> Figures:
    """With a process a node, with one process, and beside the bare libraries."""
    lengths = QUICK if setting.quick else FULL
    with bare_stream() as (process, port), Viewers(port, "/events", "", 1):
        time.sleep(SETTLE_S)
        bare = taken(process, lengths.phase_s, time.sleep)
    with attached_graph() as (graph, listener):
        found = process_rows(graph, listener, lengths, bare)
        found += answer_rows(graph, lengths)
    size_kb = sum(len(file.data) for file in page_files().values()) / 1000.0
    found.append(Row("size of the page", size_kb, "kB", SIZE_GOAL_KB))
    found += composed_rows(lengths.phase_s, lengths.pairs, MEMORY_GOALS_MB[ONE])
    missing = () if chromium() else ("page: no Chromium here, so nothing was painted",)
    return Figures(tuple(found), (*NOTES, *missing))


@contextmanager
def attached_graph() -> Iterator[tuple[PageGraph, DiagnosticsListener]]:
    """A graph of processes with its page, and a node of this process beside it."""
    with ExitStack() as stack:
        graph = stack.enter_context(page_graph(False, ["--page"]))
        domain_id = int(os.environ["ROS_DOMAIN_ID"])
        enter(graph_environment(domain_id, False, graph.home))
        namespace = GraphOptions().namespace
        yield graph, stack.enter_context(Attached(DiagnosticsListener, namespace)).node


def process_rows(
    graph: PageGraph, listener: DiagnosticsListener, lengths: Lengths, bare: Taken
) -> list[Row]:
    """The gateway in its process, phase by phase; /diagnostics and `sage run` in the first."""
    gateway, idle = graph.nodes[GATEWAY], graph.nodes[IDLE]
    found: list[Row] = []
    fused_hz: dict[str, float] = {}
    for phase, (count, slow) in WATCHING.items():
        with Viewers(graph.port, STREAM, graph.token, count, slow):
            time.sleep(SETTLE_S)
            beside = _Beside(listener, graph.process, idle)
            now = taken(gateway, lengths.phase_s, beside)
            if phase == ONE:
                growth = _growth(gateway, lengths.growth_s)
        fused_hz[phase] = beside.fused_hz
        idles = {"a node that has nothing to do": beside.idle}
        others = {**idles, BARE: bare} if phase == ONE else idles
        found += _taken_rows(phase, now, others)
        if phase == NOBODY:
            found += beside.rows()
    found.append(Row("growth of the gateway with one viewer", growth, "MB/h"))
    found.append(
        Row(
            "fused salience that is published beside one very slow viewer, of that without one",
            fused_hz[SLOW] / fused_hz[NOBODY], "", KEPT_GOAL, "higher",
        )
    )  # fmt: skip
    return found


def _taken_rows(phase: str, now: Taken, others: dict[str, Taken]) -> list[Row]:
    def beside(of: Callable[[Taken], float]) -> dict[str, float]:
        return {name: of(other) for name, other in others.items()}

    where, goal_mb = f"gateway, a process a node, {phase}", MEMORY_GOALS_MB.get(phase)
    return [
        Row(f"{where}: processor", now.cpu, "% of a core", CPU_GOALS.get(phase),
            baselines=beside(lambda taken: taken.cpu)),
        Row(f"{where}: memory (PSS)", now.pss_mb, "MB",
            baselines=beside(lambda taken: taken.pss_mb)),
        Row(f"{where}: private memory", now.private_mb, "MB",
            baselines=beside(lambda taken: taken.private_mb)),
        Row(f"{where}: private memory above a node that has nothing to do",
            now.private_mb - next(iter(others.values())).private_mb, "MB", goal_mb),
    ]  # fmt: skip


class _Beside:
    """What is measured beside the gateway in the same seconds; called with them."""

    def __init__(
        self, listener: DiagnosticsListener, run: psutil.Process, idle: psutil.Process
    ) -> None:
        self._listener, self._run, self._idle = listener, run, idle

    def __call__(self, seconds: float) -> None:
        listener, begin_s = self._listener, time.monotonic()
        messages, size = listener.messages.copy(), listener.bytes
        count, counted_s = listener.fused

        def idle(seconds: float) -> None:
            self.idle = taken(self._idle, seconds, time.sleep)

        self._of_run = taken(self._run, seconds, idle)
        passed_s = time.monotonic() - begin_s
        sent = listener.messages - messages
        self._most_hz = max(sent.values()) / passed_s
        self._nodes = len(sent)
        self._kb_s = (listener.bytes - size) / passed_s / 1000.0
        more = listener.fused
        self.fused_hz = (more[0] - count) / max(more[1] - counted_s, REPORT_PERIOD_S)

    def rows(self) -> list[Row]:
        """Of /diagnostics and of `sage run`."""
        return [
            Row("messages a second on /diagnostics of one node, at most", self._most_hz, "Hz",
                RATE_GOAL_HZ, samples=self._nodes),
            Row("bytes a second on /diagnostics, of all nodes", self._kb_s, "kB/s", KB_GOAL,
                samples=self._nodes),
            Row("sage run, all threads, a process a node", self._of_run.cpu, "% of a core",
                COST_GOAL),
        ]  # fmt: skip


def _growth(process: psutil.Process, seconds: float) -> float:
    """Slope of the private memory [MB/h]."""
    begin_s, times_h, private_mb = time.monotonic(), [], []
    while (passed_s := time.monotonic() - begin_s) < seconds:
        times_h.append(passed_s / 3600.0)
        private_mb.append(process.memory_full_info().uss / MB)
        time.sleep(1.0)
    return linear_regression(times_h, private_mb).slope


def answer_rows(graph: PageGraph, lengths: Lengths) -> list[Row]:
    """How soon /metrics answers, what is in it, and how soon the page is seen."""
    taken_ms = []
    for _ in range(lengths.scrapes):
        begin_s = time.monotonic()
        text = graph.ask("/metrics")
        taken_ms.append(1e3 * (time.monotonic() - begin_s))
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    found = [
        row_of_samples("answer of /metrics, p99", taken_ms, "ms", goal=SCRAPE_GOAL_MS, rank=99),
        Row("series of /metrics", series, "", SERIES_GOAL),
    ]
    if program := chromium():
        paints_s = first_paints_s(program, graph.address, lengths.paints)
        found.append(
            row_of_samples("first paint in headless Chromium", paints_s, "s", goal=PAINT_GOAL_S)
        )
    return found
