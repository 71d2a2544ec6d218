"""Run the graph for hours, and hold each process to its budget and to growing by nothing.

With --attach the graph that runs already is looked at instead; with --lockstep all nodes live
through a day of simulated time in this process. Every ten seconds (in a short soak more often; with
--lockstep every ten minutes of the day) what each process takes is written into
log/soak-TIME.jsonl of the home folder. Ctrl-C ends it with what was seen. The exit status is 1 if
anything failed.
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
    with_viewers,
)
from sage.graph.description import describe
from sage.soak import report
from sage.soak.budgets import installed_budgets, read_budgets, write_budgets
from sage.soak.day.replay import Day
from sage.soak.day.verdict import verdict_of_day
from sage.soak.live import Recorder, period_s, running_here, soak_own, soak_running
from sage.soak.samples_file import Soak, read_samples
from sage.soak.verdict import Verdict, verdict_of
from sage_common.core.errors import InvalidInput
from sage_common.core.home import make_private, sage_home

DURATION_S, WARM_UP_S = 2 * 3600.0, 600.0
BUDGETED_SOURCE = "recording"
LOCKSTEP_DURATION_S, LOCKSTEP_WARM_UP_S = 24 * 3600.0, 2 * 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_run_arguments(parser)
    parser.add_argument(
        "--attach", action="store_true", help="only look at the graph that runs in the home folder"
    )
    parser.add_argument(
        "--lockstep", action="store_true",
        help="a day of simulated time in this process, made from short recordings, as fast as it "
        "can: does anything change over a day",
    )  # fmt: skip
    parser.add_argument(
        "--warm-up", type=duration_s, default=None, metavar="TIME",
        help="what is left out at the start, in which buffers fill; default: 10m; with --lockstep "
        "2h",
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


def run(options: argparse.Namespace) -> int:
    if options.attach and options.lockstep:
        raise InvalidInput("attach", "with --lockstep", "one of the two")
    options.duration = options.duration or (LOCKSTEP_DURATION_S if options.lockstep else DURATION_S)
    if options.warm_up is None:
        options.warm_up = LOCKSTEP_WARM_UP_S if options.lockstep else WARM_UP_S
    if options.duration <= options.warm_up:
        expected = f"more than the warm-up of {options.warm_up:g} s (--warm-up)"
        raise InvalidInput("duration", options.duration, expected)
    return _lockstep(options) if options.lockstep else _live(options)


def _live(options: argparse.Namespace) -> int:
    budgets = read_budgets(options.budgets or installed_budgets())
    home = sage_home(options.home)
    recorder, failures = _attached(options, home) if options.attach else _own(options, home)
    soak = read_samples(recorder.path) if recorder.path.exists() else Soak({})
    verdict = verdict_of(soak.looks, budgets, options.warm_up)
    source = soak.header.get("source")
    if options.budgets is None and source != BUDGETED_SOURCE:
        note = f"note: source {source!r} is held to the budgets of --source {BUDGETED_SOURCE}"
        print(f"{note}; others: --budgets FILE", file=sys.stderr)
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
    return _ended(options, verdict, failures, recorder.path)


def _lockstep(options: argparse.Namespace) -> int:
    home = sage_home(options.home)
    chosen = graph_options(options)
    path, header = _file(options, home, {"profile": chosen.profile, "source": chosen.source})
    day = Day(chosen, options.duration, path, header)
    failures = day.run()
    verdict = verdict_of_day(day.looks, options.warm_up, day.payload_cap_mb)
    failures += verdict.failures
    if options.json:
        print(json.dumps(report.day_as_dict(header, day.looks, verdict, failures, path)))
    else:
        for check in verdict.checks:
            print(check.words)
    return _ended(options, verdict, failures, path)


def _ended(options: argparse.Namespace, verdict: Verdict, failures: list[str], path: Path) -> int:
    stream = sys.stderr if options.json else sys.stdout
    print(f"samples: {path}", file=sys.stderr)
    for growth in verdict.unclear:
        print(f"unclear, soak for longer: {growth}", file=stream)
    for failure in failures:
        print(f"failed: {failure}", file=stream)
    if not failures:
        print(report.passed(verdict), file=stream)
    return 1 if failures else 0


def _own(options: argparse.Namespace, home: Path) -> tuple[Recorder, list[str]]:
    chosen, leases = with_viewers(options, graph_options(options))
    graph = describe(chosen)
    for lease in leases:
        print(f"{lease.what}: {lease.address(home)}", file=sys.stderr, flush=True)
    for note in graph.notes:
        print(f"note: {note}", file=sys.stderr)
    mode = "composed" if options.composed else "processes"
    about = {
        "profile": chosen.profile,
        "source": chosen.source,
        "mode": mode,
        "viewers": [lease.what for lease in leases],
    }
    recorder = _recorder(options, home, about)
    return recorder, soak_own(graph, run_options(options), recorder)


def _attached(options: argparse.Namespace, home: Path) -> tuple[Recorder, list[str]]:
    running = running_here(home)
    about = {"profile": running.profile, "source": running.source, "attached_to": running.pid}
    recorder = _recorder(options, home, about)
    return recorder, soak_running(running, home, options.duration, recorder)


def _recorder(options: argparse.Namespace, home: Path, about: dict[str, Any]) -> Recorder:
    period = period_s(options.duration - options.warm_up)
    return Recorder(*_file(options, home, {**about, "period_s": period}))


def _file(
    options: argparse.Namespace, home: Path, about: dict[str, Any]
) -> tuple[Path, dict[str, Any]]:
    """Where the samples go, and their first line."""
    begun = datetime.now()
    make_private(home / "log")
    times = {"duration_s": options.duration, "warm_up_s": options.warm_up}
    header = {"begun": begun.isoformat(timespec="seconds"), **about, **times}
    return home / "log" / f"soak-{begun:%Y%m%d-%H%M%S}.jsonl", header
