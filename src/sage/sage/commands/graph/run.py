"""Run the graph until its duration is over, or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
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
from sage.sources.planning import is_bag
from sage_common.core.home import sage_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_graph_arguments(parser)
    add_run_arguments(parser)
    parser.add_argument("--json", action="store_true", help="last line: the summary as JSON")


def run(options: argparse.Namespace) -> int:
    chosen, leases = with_viewers(options, graph_options(options))
    for lease in leases:
        address = lease.address(sage_home(options.home))
        print(f"{lease.what}: {address}", file=sys.stderr, flush=True)
    if is_bag(Path(chosen.source).expanduser()):
        summary = play_bag(chosen, run_options(options), loop=chosen.loop)
    else:
        graph = describe(chosen)
        for note in graph.notes:
            print(f"note: {note}", file=sys.stderr)
        summary = Session(graph, run_options(options), on_event=_print).run()
    if options.json:
        print(json.dumps(summary))
    else:
        print(short_summary(summary))
    return exit_status(summary)


def exit_status(summary: dict[str, Any]) -> int:
    """0 if salience was seen, every node could do its work at the end, and a bag was read; else 1.

    A node whose process ended and was not back cannot. Each reason goes to stderr.

    A run that a signal ended before any salience came: 128 and its number, as in shells.
    """
    failed = summary["failed_nodes"]
    for name in failed:
        print(f"failed: {name}: {summary['health'][name]}", file=sys.stderr)
    last = {outage["process"]: outage for outage in summary["outages"]}
    gone = {process: outage for process, outage in last.items() if not outage["over"]}
    for process, outage in gone.items():
        why = f"not back at the end of the run ({outage['cause']})"
        print(f"failed: {process}: {why}", file=sys.stderr)
    unread = summary.get("replay", {}).get("error", "")
    if unread:
        print(f"failed: the bag was not played to its end: {unread}", file=sys.stderr)
    seen = summary["fused"]["n"] > 0
    if not seen and (number := summary["signal"]) is not None:
        name = signal.Signals(number).name
        print(f"interrupted by {name} before any salience was seen", file=sys.stderr)
        return 128 + int(number)
    if not seen:
        print("failed: the run ended before any salience was seen", file=sys.stderr)
        if missing := summary["never_came"]:
            print(f"failed: nothing came on {', '.join(missing)}", file=sys.stderr)
    return 0 if seen and not failed and not gone and not unread else 1


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
