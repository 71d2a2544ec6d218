"""Watch a running graph: modalities, salience with reasons, budget, memory, health."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from dataclasses import asdict
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.live import Live

from sage.commands.options import add_home_argument, positive_seconds
from sage.graph.runtime_file import LAUNCHED, RunningGraph, ended_processes, running_graph
from sage.observe.attached import Attached, enter_domain
from sage.observe.counters import callback_errors
from sage.observe.live_view import in_a_line, render
from sage.observe.observer_node import ObserverNode
from sage.observe.sensors import heard_backends
from sage.observe.statuses import wait_for_statuses
from sage.observe.transports import fallbacks
from sage_common.core.home import sage_home

REFRESH_S = 0.25
LINE_PERIOD_S = 1.0
DRAW_PERIOD_S = 0.02
LOOK_TIMEOUT_S = 10.0
FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
# Nodes report soon to who begins to listen; on a busy machine that takes longer to arrive.
LOOK_S = 2.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_home_argument(parser)
    parser.add_argument("--namespace", default="", help="of a graph that was not started by sage")
    parser.add_argument("--once", action="store_true", help="look once, print, and end")
    parser.add_argument("--duration", type=positive_seconds, default=None, metavar="S")
    parser.add_argument("--json", action="store_true", help="look once, print JSON, and end")
    parser.add_argument(
        "--svg", type=Path, default=None, metavar="FILE",
        help="draw the view at the most salient moment of --duration",
    )  # fmt: skip
    parser.add_argument("--domain", action="store_true", help="print the ROS domain id and end")


def run(options: argparse.Namespace) -> int:
    home = sage_home(options.home)
    running = running_graph(home)
    if running is None and not options.namespace:
        raise FileNotFoundError(
            f"no graph runs in {home}: none of sage run, none of ros2 launch with this home "
            "($SAGE_HOME or --home); of one with another home, name the namespace (--namespace "
            f"/sage): it is looked for in ROS domain {os.environ.get('ROS_DOMAIN_ID', '0')}"
        )
    if options.domain:
        print(running.domain_id if running else os.environ.get("ROS_DOMAIN_ID", "0"))
        return 0
    if running is not None:
        enter_domain(running)
    namespace = options.namespace or (running.namespace if running else "")
    known = running if running is not None and running.namespace == namespace else None
    parameters = {}
    if known and known.modalities:
        parameters = {"modalities": known.modalities, "instances": known.instances}
    with Attached(ObserverNode, namespace, parameters) as attached:
        if known is not None:
            attached.node.latest.ended = partial(ended_processes, home, known)
            attached.node.latest.warnings = known.warnings
        if options.svg is not None:
            return _draw(attached.node, options.svg, options.duration or LOOK_S)
        if options.once or options.json:
            return _look_once(attached, namespace, options.json)
        watch = _watch if sys.stdout.isatty() else _print
        return watch(attached.node, _title(running, namespace), options.duration)


def _look_once(attached: Attached[ObserverNode], namespace: str, as_json: bool) -> int:
    observer = attached.node
    seen = _wait_for_first_message(observer)
    wait_for_statuses(attached, namespace, LOOK_TIMEOUT_S)
    if not (seen or _is_heard(observer, namespace) or observer.latest.ended()):
        raise FileNotFoundError(
            f"nothing comes from a graph in namespace {namespace} of ROS domain "
            f"{os.environ.get('ROS_DOMAIN_ID', '0')} within {LOOK_TIMEOUT_S:g} s: neither salience "
            "nor /diagnostics of its nodes"
        )
    if as_json:
        print(json.dumps(_state(observer)))
    else:
        Console().print(render(observer.latest, observer.tally, "SAGE"))
    return 0 if seen else 1


def _wait_for_first_message(observer: ObserverNode) -> bool:
    """Wait for fused salience, and then a while for the rest; False if none came."""
    deadline = time.monotonic() + LOOK_TIMEOUT_S
    while observer.latest.fused is None and time.monotonic() < deadline:
        time.sleep(0.1)
    if observer.latest.fused is not None:
        time.sleep(LOOK_S)
    return observer.latest.fused is not None


def _is_heard(observer: ObserverNode, namespace: str) -> bool:
    """Whether a status of a node of this namespace has come."""
    start = namespace.rstrip("/") + "/"
    return any(status.name.startswith(start) for status in observer.latest.statuses())


def _draw(observer: ObserverNode, path: Path, duration_s: float) -> int:
    _wait_for_first_message(observer)
    console, highest = _drawn(observer), -1.0
    end = time.monotonic() + duration_s
    while time.monotonic() < end:
        fused = observer.latest.fused
        if fused is not None and fused.total > highest:
            console, highest = _drawn(observer), fused.total
        time.sleep(DRAW_PERIOD_S)
    # Where the fonts that Rich names cannot be loaded, any other of fixed width serves.
    path.write_text(FONT_FACES.sub("", console.export_svg(title="sage status")), encoding="utf-8")
    return 0


def _drawn(observer: ObserverNode) -> Console:
    console = Console(record=True, width=110, file=StringIO())
    console.print(render(observer.latest, observer.tally, "SAGE"))
    return console


def _watch(observer: ObserverNode, title: str, duration_s: float | None) -> int:
    end = time.monotonic() + duration_s if duration_s else float("inf")
    with Live(screen=True, auto_refresh=False) as live:
        while time.monotonic() < end:
            live.update(render(observer.latest, observer.tally, title), refresh=True)
            time.sleep(REFRESH_S)
    return 0


def _print(observer: ObserverNode, title: str, duration_s: float | None) -> int:
    """For pipes and files: a line a second, of the most salient moment in it."""
    end = time.monotonic() + duration_s if duration_s else float("inf")
    print(title, flush=True)
    while time.monotonic() < end:
        most = observer.tally.highlights.take()
        print(f"{datetime.now():%H:%M:%S}  {in_a_line(observer.latest, most)}", flush=True)
        time.sleep(LINE_PERIOD_S)
    return 0


def _title(running: RunningGraph | None, namespace: str) -> str:
    if running is None or running.profile == LAUNCHED:
        return f"SAGE {namespace}"
    return f"SAGE {running.namespace}: {running.profile}, {running.source}"


def _state(observer: ObserverNode) -> dict[str, object]:
    latest = observer.latest
    fused, statuses = latest.fused, latest.statuses()
    return {
        "fused": None if fused is None else {"total": fused.total, "reason": fused.reason},
        "salience": {
            name: {"total": message.total, "valid": message.valid, "reason": message.reason}
            for name, message in sorted(latest.saliences.copy().items())
        },
        "budget": None
        if latest.budget is None
        else {
            plugin.name: {"trust": plugin.trust, "spent_atp": plugin.spent_atp}
            for plugin in latest.budget.plugins
        },
        "health": {
            status.name: {"level": status.level[0], "message": status.message}
            for status in sorted(statuses, key=lambda status: str(status.name))
        },
        "warnings": list(latest.warnings),
        "causes": [asdict(cause) for cause in latest.causes()],
        "callback_errors": callback_errors(statuses),
        "backends": heard_backends(statuses),
        "transport": (ways := latest.transports()),
        "fallbacks": fallbacks(ways),
        "dropped": latest.counters.dropped(),
    }
