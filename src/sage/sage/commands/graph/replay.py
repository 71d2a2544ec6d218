"""Play a bag into the graph at its own pace, or through it in lock-step: the same output each time.

With --lockstep the same nodes run in one process on simulated time, without DDS and as fast as
they can, in a home of their own; `recording` or a media file may then stand for the bag. A run with
--checkpoint ends between two events and leaves everything in its home; one with --resume goes on
from there, and what comes out is what one run would have given, byte for byte.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sage.commands.graph.run import exit_status, run_options
from sage.commands.graph.summary import short_summary
from sage.commands.options import add_description_arguments, add_run_arguments, number
from sage.graph.description import GraphOptions, describe
from sage.replay.lockstep import LockstepReplay, Output
from sage.replay.lockstep_home import lockstep_home
from sage.replay.playback import play_bag
from sage.replay.suspended_run import SuspendedRun, suspended_run_path
from sage.sources.bag_plan import plan_playing
from sage.sources.planning import is_bag
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home
from sage_common.ros.lockstep.host import DEFAULT_START_NS

RECORDING_S = 10.0
_OFFSET = number(lambda value: value >= 0.0, "seconds, at least 0")
_RATE = number(lambda value: 0.01 <= value <= 100.0, "a speed from 0.01 to 100")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", help="a rosbag2 folder, an .mcap, .db3 or .bag file")
    add_description_arguments(parser)
    parser.add_argument("--rate", type=_RATE, default=1.0, help="speed of playing; default: 1")
    parser.add_argument("--loop", action="store_true", help="play again and again")
    parser.add_argument("--lockstep", action="store_true", help="simulated time, deterministic")
    parser.add_argument(
        "-o", "--output", type=Path, default=None, metavar="DIR",
        help="with --lockstep: write what the graph publishes as a bag",
    )  # fmt: skip
    parser.add_argument(
        "--start", type=_OFFSET, default=None, metavar="S",
        help="with --lockstep: begin S seconds into the bag",
    )  # fmt: skip
    parser.add_argument(
        "--checkpoint", action="store_true",
        help="with --lockstep and --home: end without the last second, to be resumed",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true",
        help="with --lockstep and --home: go on where --checkpoint suspended the graph and the bag",
    )  # fmt: skip
    add_run_arguments(parser)
    parser.add_argument("--json", action="store_true", help="last line: the summary as JSON")


def run(options: argparse.Namespace) -> int:
    if not options.lockstep and options.output is not None:
        raise InvalidInput("output", str(options.output), "--lockstep, too (or use sage record)")
    for name in ("start", "checkpoint", "resume"):
        if getattr(options, name) and not options.lockstep:
            raise InvalidInput(name, getattr(options, name), "--lockstep, too")
    if options.lockstep and (options.rate != 1.0 or options.loop):
        raise InvalidInput(
            "lockstep", "with --rate or --loop", "neither: it runs as fast as it can"
        )
    summary = _lockstep(options) if options.lockstep else _play(options)
    if options.json:
        print(json.dumps(summary))
    else:
        print(_lockstep_text(summary) if options.lockstep else _play_text(summary))
    return 0 if options.lockstep else exit_status(summary)


def _play(options: argparse.Namespace) -> dict[str, Any]:
    graph_options = _graph_options(options, options.home, resume=not options.fresh)
    return play_bag(graph_options, run_options(options), options.rate, options.loop)


def _lockstep(options: argparse.Namespace) -> dict[str, Any]:
    if options.bag in ("live", "topics"):
        raise InvalidInput("bag", options.bag, "a bag, a media file, or recording: they repeat")
    is_played = is_bag(Path(options.bag).expanduser())
    _check_leaving(options, is_played)
    output = Output(options.output)
    with lockstep_home(options.home) as home:
        graph = describe(_graph_options(options, home, resume=False))
        bag = Path(options.bag).expanduser()
        own = [m.spec for m in graph.modalities if not m.spec.stream]
        plan = plan_playing(bag, options.namespace, own) if is_played else None
        start_ns = plan.bag.start_ns if plan is not None else DEFAULT_START_NS
        start_ns += round((options.start or 0.0) * NS_PER_S)
        path = suspended_run_path(sage_home(home))
        suspended = SuspendedRun.load(path) if options.resume else None
        suspend_to = path if options.checkpoint else None
        replay = LockstepReplay(graph, start_ns, output, suspended, suspend_to)
        try:
            if plan is not None:
                summary = replay.play(plan, options.duration)
            else:
                summary = replay.run_for(options.duration or RECORDING_S)
        except InvalidInput:
            output.discard()  # asked for again, it would be in the way
            raise
        finally:
            written = output.close()
    summary.update(written)
    summary["notes"] = [note for note in graph.notes if note not in graph.warnings]
    return summary


def _check_leaving(options: argparse.Namespace, is_bag: bool) -> None:
    """Check what --start, --checkpoint and --resume need."""
    for name in ("start", "checkpoint", "resume"):
        if getattr(options, name) and not is_bag:
            raise InvalidInput(name, options.bag, "a bag: a media file has no place to go on from")
    if (options.checkpoint or options.resume) and not options.home:
        raise InvalidInput("home", "", "a folder for the suspended run (--home DIR)")
    if options.resume and options.start is not None:
        raise InvalidInput("start", options.start, "no --start with --resume: the bag goes on")


def _graph_options(options: argparse.Namespace, home: str, resume: bool) -> GraphOptions:
    return GraphOptions(
        profile=options.profile,
        source=options.bag,
        namespace=options.namespace,
        home=home,
        config=options.config,
        resume=resume,
    )


def _lockstep_text(summary: dict[str, Any]) -> str:
    lines = [f"{name}: {count} messages" for name, count in summary["messages"].items()]
    lines += [f"{kind}: {line}" for kind in ("warning", "error") for line in summary[f"{kind}s"]]
    lines += [f"note: {note}" for note in summary["notes"]]
    if "bag" in summary:
        lines.append(f"written to {summary['bag']}, SHA-256 {summary['bag_sha256']}")
    lines.append(
        f"{summary['simulated_s']} s simulated in {summary['wall_s']} s "
        f"({summary['factor']} times real time), digest {summary['digest']}"
    )
    return "\n".join(lines)


def _play_text(summary: dict[str, Any]) -> str:
    played = summary["replay"]
    text = f"played {played['messages']} messages"
    if played["late_ms"]["p99"] is not None:
        text += f", late by p50 {played['late_ms']['p50']} ms, p99 {played['late_ms']['p99']} ms"
    return f"{text}\n{short_summary(summary)}"
