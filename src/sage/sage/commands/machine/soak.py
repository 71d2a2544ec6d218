"""Run the graph for hours, and hold each process to its budget and to growing by nothing.

With --attach the graph that runs already is looked at instead. Every ten seconds (in a short soak
more often) what each process takes is written into log/soak-TIME.jsonl of the home folder. Ctrl-C
ends it with what was seen. The exit status is 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from sage.commands.graph.run import run_options
from sage.commands.options import (
    add_graph_arguments,
    add_run_arguments,
    duration_s,
    graph_options,
    with_page,
)
from sage.graph.description import describe
from sage.soak import report
from sage.soak.budgets import installed_budgets, read_budgets, write_budgets
from sage.soak.live import Recorder, period_s, running_here, soak_own, soak_running
from sage.soak.samples_file import Soak, read_samples
from sage.soak.verdict import verdict_of
from sage_common.core.errors import InvalidInput
from sage_common.core.home import make_private, sage_home

DURATION_S, WARM_UP_S = 2 * 3600.0, 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_run_arguments(parser)
    parser.add_argument(
        "--attach", action="store_true", help="only look at the graph that runs in the home folder"
    )
    parser.add_argument(
        "--warm-up", type=duration_s, default=WARM_UP_S, metavar="TIME",
        help="what is left out at the start, in which buffers fill; default: 10m",
    )  # fmt: skip
    parser.add_argument(
        "--budgets", type=Path, default=None, metavar="FILE",
        help="what each process may take; default: of the recording, on the machine of our benches",
    )  # fmt: skip
    parser.add_argument(
        "--record-budgets", type=Path, default=None, metavar="FILE",
        help="write what each process took as its budget",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.set_defaults(duration=DURATION_S)


def run(options: argparse.Namespace) -> int:
    if options.duration <= options.warm_up:
        expected = f"more than the warm-up of {options.warm_up:g} s (--warm-up)"
        raise InvalidInput("duration", options.duration, expected)
    budgets = read_budgets(options.budgets or installed_budgets())
    home = sage_home(options.home)
    recorder, failures = _attached(options, home) if options.attach else _own(options, home)
    soak = read_samples(recorder.path) if recorder.path.exists() else Soak({})
    verdict = verdict_of(soak.looks, budgets, options.warm_up)
    failures += verdict.failures
    if options.record_budgets is not None:
        write_budgets(verdict.taken(), options.record_budgets)
    if options.json:
        print(json.dumps(report.as_dict(soak, verdict, failures, recorder.path)))
    else:
        console = Console()
        console.print(report.table(verdict))
        for line in report.host_lines(verdict):
            console.print(line, highlight=False)
        print(f"samples: {recorder.path}")
    for growth in verdict.unclear:
        print(f"unclear, soak for longer: {growth}", file=sys.stderr)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _own(options: argparse.Namespace, home: Path) -> tuple[Recorder, list[str]]:
    chosen, lease = with_page(options, graph_options(options))
    if lease is not None:
        print(f"page: {lease.address(home)}", file=sys.stderr, flush=True)
    graph = describe(chosen)
    for note in graph.notes:
        print(f"note: {note}", file=sys.stderr)
    mode = "composed" if options.composed else "processes"
    about = {
        "profile": chosen.profile,
        "source": chosen.source,
        "mode": mode,
        "page": chosen.page is not None,
    }
    recorder = _recorder(options, home, about)
    return recorder, soak_own(graph, run_options(options), recorder)


def _attached(options: argparse.Namespace, home: Path) -> tuple[Recorder, list[str]]:
    running = running_here(home)
    about = {"profile": running.profile, "source": running.source, "attached_to": running.pid}
    recorder = _recorder(options, home, about)
    return recorder, soak_running(running, home, options.duration, recorder)


def _recorder(options: argparse.Namespace, home: Path, about: dict[str, Any]) -> Recorder:
    begun = datetime.now()
    make_private(home / "log")
    header = {
        "begun": begun.isoformat(timespec="seconds"),
        **about,
        "duration_s": options.duration,
        "warm_up_s": options.warm_up,
        "period_s": period_s(options.duration - options.warm_up),
    }
    return Recorder(home / "log" / f"soak-{begun:%Y%m%d-%H%M%S}.jsonl", header)
