"""Record a running graph into a bag (MCAP, rosbag2 layout) until Ctrl-C or the duration is over.

With --salient only what stands out gets into it, with some seconds before and after: what is said
by the salience of all senses as rarely, while nothing happens, as --false-alarms-per-hour has it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import rclpy
from rclpy.signals import SignalHandlerOptions

from sage.bags.recorder import Recorder
from sage.bags.salient_summary import in_lines, notes, salient_summary
from sage.bags.salient_writer import SalientWriter
from sage.bags.selection import Selection
from sage.bags.writer import BagWriter
from sage.commands.options import add_home_argument, number, positive_seconds
from sage.graph.environment import enter, graph_environment
from sage.graph.runtime_file import running_graph
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home
from sage_common.core.topics import topic_name

DISCOVERY_PERIOD_S = 0.2
# It takes a moment to find the graph; a duration is counted from the first message.
PATIENCE_S = 5.0
# What a kill -9 can cost.
FLUSH_PERIOD_S = 1.0
# Messages wait in the subscriptions meanwhile and are stamped when they arrive, not when taken.
TAKE_PERIOD_S = 0.005
# What is not recorded is lost, and a false alarm costs only bytes: four times as many as the memory
# bears keep every event of the development streams with one a minute, and half of their bytes.
FALSE_ALARMS_PER_HOUR = 240.0
BEFORE_S, AFTER_S, MEMORY_MB = 5.0, 5.0, 64.0
_SECONDS = number(lambda value: 0.0 <= value <= 600.0, "seconds, 0 to 600")
_RATE = number(lambda value: 0.0 < value <= 36000.0, "alarms an hour, above 0 to 36000")
_MEGABYTES = number(lambda value: 1.0 <= value <= 65536.0, "megabytes, 1 to 65536")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, default=None, metavar="DIR",
        help="folder of the bag, made by this command; default: sage-DATE-TIME",
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every topic, raw images among them")
    which.add_argument(
        "--topics", nargs="+", default=(), metavar="NAME",
        help="these topics; relative names are in the graph's namespace, * stands for any text",
    )  # fmt: skip
    parser.add_argument(
        "--duration", type=positive_seconds, default=None, metavar="S",
        help="stop S seconds after the first message",
    )  # fmt: skip
    parser.add_argument(
        "--salient", action="store_true", help="only salient moments, and what is around them"
    )
    parser.add_argument(
        "--false-alarms-per-hour", type=_RATE, default=None, metavar="N",
        help="with --salient: how many false alarms you can bear; default: "
        f"{FALSE_ALARMS_PER_HOUR:g}",
    )  # fmt: skip
    parser.add_argument(
        "--before", type=_SECONDS, default=None, metavar="S",
        help=f"with --salient: as much before each; default: {BEFORE_S:g}",
    )  # fmt: skip
    parser.add_argument(
        "--after", type=_SECONDS, default=None, metavar="S",
        help=f"with --salient: as much after each; default: {AFTER_S:g}",
    )  # fmt: skip
    parser.add_argument(
        "--memory-mb", type=_MEGABYTES, default=None, metavar="MB",
        help=f"with --salient: memory for what came before, at most; default: {MEMORY_MB:g}",
    )  # fmt: skip
    parser.add_argument("--no-compress", action="store_true", help="write chunks as they are")
    parser.add_argument(
        "--namespace", default="/sage", help="where no graph of this home runs; default: /sage"
    )
    parser.add_argument("--json", action="store_true", help="last line: the summary as JSON")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    for name in ("false_alarms_per_hour", "before", "after", "memory_mb"):
        if getattr(options, name) is not None and not options.salient:
            raise InvalidInput(name, getattr(options, name), "--salient, too")
    namespace, own, use_sim_time = _join_graph(sage_home(options.home), options.namespace)
    folder = options.output or Path(f"sage-{datetime.now():%Y%m%d-%H%M%S}")
    writer = BagWriter(folder, compress=not options.no_compress)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    fused = f"{namespace.rstrip('/')}/{topic_name('fused_salience')}"
    patterns = (*options.topics, fused) if options.topics and options.salient else options.topics
    selection = Selection(namespace, options.all, patterns, own)
    salient = _salient_writer(options, writer, fused) if options.salient else None
    recording = Recording(writer, selection, use_sim_time, salient)
    try:
        summary = recording.run(options.duration)
    finally:
        rclpy.shutdown()
    print(json.dumps(summary) if options.json else _text(summary))
    for line in notes(salient) if salient else ():
        print(f"note: {line}", file=sys.stderr)
    for name, reason in recording.recorder.notes.items():
        print(f"note: {name} is not recorded: {reason}", file=sys.stderr)
    heard = summary["messages"] or options.salient
    return 0 if heard and not summary["error"] else 1


def _salient_writer(options: argparse.Namespace, bag: BagWriter, fused: str) -> SalientWriter:
    def chosen(value: float | None, usual: float) -> float:
        return usual if value is None else value

    return SalientWriter(
        bag,
        fused,
        chosen(options.false_alarms_per_hour, FALSE_ALARMS_PER_HOUR),
        round(chosen(options.before, BEFORE_S) * NS_PER_S),
        round(chosen(options.after, AFTER_S) * NS_PER_S),
        round(chosen(options.memory_mb, MEMORY_MB) * 1e6),
    )


class Recording:
    """One recording from start to end; with `salient`, it decides what of all gets into the bag."""

    def __init__(
        self,
        writer: BagWriter,
        selection: Selection,
        use_sim_time: bool,
        salient: SalientWriter | None = None,
    ) -> None:
        self._writer = writer
        self._salient = salient
        self._selection = selection
        self._stopping = False
        self._begin = time.monotonic()
        self._first: float | None = None
        node = rclpy.create_node(f"recorder_{os.getpid()}", namespace=selection.namespace)
        self.recorder = Recorder(node, salient or writer, selection, use_sim_time)

    def run(self, duration_s: float | None) -> dict[str, Any]:
        """Record until the duration is over, SIGINT or SIGTERM; the summary."""
        previous = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        error = ""
        try:
            self._loop(duration_s)
        except OSError as fault:
            error = f"stopped: {fault}"
        finally:
            elapsed_s = self._elapsed_s()
            for number, handler in previous.items():
                signal.signal(number, handler)
        try:
            if self._salient is not None:
                self._salient.close()
            self._writer.close()
        except OSError as fault:
            error = error or f"without an index, which readers can do without: {fault}"
        return self._summary(elapsed_s, error)

    def _loop(self, duration_s: float | None) -> None:
        next_discovery = next_flush = 0.0
        while not self._stopping and not self._is_over(duration_s):
            now = time.monotonic()
            if now >= next_discovery:
                self.recorder.discover()
                next_discovery = now + DISCOVERY_PERIOD_S
            if self.recorder.take() and self._first is None:
                self._first = now
            if now >= next_flush:
                self._writer.flush()
                next_flush = now + FLUSH_PERIOD_S
                self._show_progress(self._elapsed_s())
            time.sleep(TAKE_PERIOD_S)
        self.recorder.take()

    def _elapsed_s(self) -> float:
        """Time since the first message; 0 before it."""
        return 0.0 if self._first is None else time.monotonic() - self._first

    def _is_over(self, duration_s: float | None) -> bool:
        if duration_s is None:
            return False
        if self._first is None:
            return time.monotonic() - self._begin >= duration_s + PATIENCE_S
        return self._elapsed_s() >= duration_s

    def _show_progress(self, elapsed_s: float) -> None:
        if sys.stderr.isatty():
            recorder = self.recorder
            text = (
                f"{elapsed_s:6.1f} s  {recorder.messages} messages, {len(recorder.topics)} topics"
            )
            print(f"\r{text}, Ctrl-C to stop", end="", file=sys.stderr, flush=True)

    def _summary(self, elapsed_s: float, error: str) -> dict[str, Any]:
        if sys.stderr.isatty():
            print(file=sys.stderr)
        topics, written = self.recorder.topics, self._writer.counts
        summary = {
            "bag": str(self._writer.folder),
            "bytes": self._writer.path.stat().st_size,
            "duration_s": round(elapsed_s, 3),
            "messages": sum(written.values()),
            "topics": {
                name: {"type": t.type_name, "messages": written[name], "lost": t.lost}
                for name, t in sorted(topics.items())
            },
            "absent": self._selection.missing(list(topics)),
            "error": error,
        }
        if self._salient is None:
            return summary
        if not error and self._salient.fused_topic not in topics:
            summary["error"] = f"nobody publishes {self._salient.fused_topic}: nothing is salient"
        return {**summary, "salient": salient_summary(self._salient)}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True


def _join_graph(home: Path, namespace: str) -> tuple[str, tuple[str, ...], bool]:
    """Enter the ROS domain of the home's running graph.

    Its namespace, else the given one; the topics of the user's own sensors; whether its time is
    that of /clock.
    """
    running = running_graph(home)
    if running is None:
        domain = os.environ.get("ROS_DOMAIN_ID", "0")
        here = f"recording what is under {namespace} in ROS domain {domain}"
        print(f"note: no graph runs in {home}; {here}", file=sys.stderr)
        return namespace, (), False
    enter(graph_environment(running.domain_id, running.network, home))
    return running.namespace, tuple(running.topics), running.use_sim_time


def _text(summary: dict[str, Any]) -> str:
    lines = [
        f"{name}: {topic['messages']} messages"
        + ("" if topic["lost"] is None else f", {topic['lost']} lost on the way")
        for name, topic in summary["topics"].items()
    ]
    lines += [f"{name}: nobody publishes it" for name in summary["absent"]]
    megabytes = summary["bytes"] / 1e6
    lines.append(
        f"{summary['bag']}: {summary['messages']} messages on {len(summary['topics'])} topics "
        f"in {summary['duration_s']} s, {megabytes:.1f} MB"
    )
    if "salient" in summary:
        lines += in_lines(summary["salient"])
    if summary["error"]:
        lines.append(summary["error"])
    return "\n".join(lines)
