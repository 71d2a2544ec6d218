"""Run the graph until its duration is over, or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sage.commands.graph.summary import short_summary
from sage.commands.options import (
    add_graph_arguments,
    add_run_arguments,
    graph_options,
    with_viewers,
)
from sage.graph.description import describe
from sage.replay.playback import play_bag
from sage.run.session import RunOptions, Session
from sage.run.summary import failures_of
from sage.sources.planning import is_bag
from sage_common.core.home import sage_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_run_arguments(parser)
    parser.add_argument("--json", action="store_true", help="last line: the summary as JSON")


def run(options: argparse.Namespace) -> int:
    chosen, leases = with_viewers(options, graph_options(options))
    graph = None if is_bag(Path(chosen.source).expanduser()) else describe(chosen)
    for lease in leases:
        address = lease.address(sage_home(options.home))
        print(f"{lease.what}: {address}", file=sys.stderr, flush=True)
    if graph is None:
        summary = play_bag(chosen, run_options(options), loop=chosen.loop)
    else:
        for note in graph.notes:
            print(f"note: {note}", file=sys.stderr)
        # A robot that runs for weeks does not pay for counts that nobody asked for.
        counts = options.json or options.duration is not None
        how = replace(run_options(options), counts=counts)
        summary = Session(graph, how, on_event=_print).run()
    if options.json:
        print(json.dumps(summary))
    else:
        print(short_summary(summary))
    return exit_status(summary)


def exit_status(summary: dict[str, Any]) -> int:
    """0 if nothing failed; each failure goes to stderr, and makes it 1.

    A run that a signal ended before any salience came: 128 and its number, as in shells.
    """
    failures = failures_of(summary)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    if not summary["fused"]["n"] and (number := summary["signal"]) is not None:
        name = signal.Signals(number).name
        print(f"interrupted by {name} before any salience was seen", file=sys.stderr)
        return 128 + int(number)
    return 1 if failures else 0


def run_options(options: argparse.Namespace) -> RunOptions:
    """How to run, from the command line."""
    return RunOptions(
        composed=options.composed,
        duration_s=options.duration,
        log_level=options.log_level,
        respawn=not options.no_respawn,
        network=options.network,
        wait=options.wait,
    )


def _print(event: str) -> None:
    print(event, file=sys.stderr)
