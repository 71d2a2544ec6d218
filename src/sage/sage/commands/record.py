"""Record a running graph into a bag (MCAP, rosbag2 layout) until Ctrl-C or the duration is over."""

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
from sage.bags.selection import Selection
from sage.bags.writer import BagWriter
from sage.commands.options import add_home_argument, positive_seconds
from sage.graph.environment import enter, graph_environment
from sage.graph.runtime_file import running_graph
from sage_common.core.home import sage_home

DISCOVERY_PERIOD_S = 0.2
# It takes a moment to find the graph; a duration is counted from the first message.
PATIENCE_S = 5.0
# What a kill -9 can cost.
FLUSH_PERIOD_S = 1.0
# Messages wait in the subscriptions meanwhile and are stamped when they arrive, not when taken.
TAKE_PERIOD_S = 0.005


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
    parser.add_argument("--no-compress", action="store_true", help="write chunks as they are")
    parser.add_argument(
        "--namespace", default="/sage", help="where no graph of this home runs; default: /sage"
    )
    parser.add_argument("--json", action="store_true", help="last line: the summary as JSON")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    namespace, own, use_sim_time = _join_graph(sage_home(options.home), options.namespace)
    folder = options.output or Path(f"sage-{datetime.now():%Y%m%d-%H%M%S}")
    writer = BagWriter(folder, compress=not options.no_compress)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    selection = Selection(namespace, options.all, options.topics, own)
    recording = Recording(writer, selection, use_sim_time)
    try:
        summary = recording.run(options.duration)
    finally:
        rclpy.shutdown()
    print(json.dumps(summary) if options.json else _text(summary))
    for name, reason in recording.recorder.notes.items():
        print(f"note: {name} is not recorded: {reason}", file=sys.stderr)
    return 0 if summary["messages"] and not summary["error"] else 1


class Recording:
    """One recording from start to end."""

    def __init__(self, writer: BagWriter, selection: Selection, use_sim_time: bool) -> None:
        self._writer = writer
        self._selection = selection
        self._stopping = False
        self._begin = time.monotonic()
        self._first: float | None = None
        node = rclpy.create_node(f"recorder_{os.getpid()}", namespace=selection.namespace)
        self.recorder = Recorder(node, writer, selection, use_sim_time)

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
        topics = self.recorder.topics
        return {
            "bag": str(self._writer.folder),
            "bytes": self._writer.path.stat().st_size,
            "duration_s": round(elapsed_s, 3),
            "messages": self.recorder.messages,
            "topics": {
                name: {"type": t.type_name, "messages": t.messages, "lost": t.lost}
                for name, t in sorted(topics.items())
            },
            "absent": self._selection.missing(list(topics)),
            "error": error,
        }

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
    if summary["error"]:
        lines.append(summary["error"])
    return "\n".join(lines)
