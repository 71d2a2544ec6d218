"""Say why a moment was or was not salient.

STAMP is an ISO 8601 time (local unless it says otherwise), a time of day such as 12:30:05, seconds
since the epoch, an age such as 10s or 2m, the id of a kept experience, or, with --bag, +12.3:
seconds after the bag's start.
Without STAMP: the newest moment. Asked is the running graph, or else the memory, which keeps less.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sage.commands.options import add_home_argument, positive_seconds
from sage.explain.explanation import Explanation
from sage.explain.format import lines
from sage.explain.question import MomentUnknown, Question, parse_question
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home

if TYPE_CHECKING:
    from sage.graph.runtime_file import RunningGraph

WITHIN_S = 1.0
WITHIN_MEMORY_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("stamp", nargs="?", default="", metavar="STAMP", help="default: the newest")
    parser.add_argument(
        "--bag", type=Path, metavar="BAG", help="a recorded graph, or what a replay has written"
    )
    parser.add_argument(
        "--within", type=positive_seconds, metavar="S",
        help="how far the nearest moment may be away; default: 1, in the memory 60",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    question = parse_question(options.stamp)
    try:
        explanation = _explanation(options, question)
    except MomentUnknown as unknown:
        print(f"sage explain: {unknown}", file=sys.stderr)
        return 1
    print(json.dumps(explanation.as_dict()) if options.json else "\n".join(lines(explanation)))
    return 0


def _explanation(options: argparse.Namespace, question: Question) -> Explanation:
    # Imported here: reading a bag takes more modules than the rest.
    from sage.graph.runtime_file import running_graph

    if options.bag is not None:
        from sage.explain.bag_moments import find_in_bag

        return find_in_bag(options.bag.expanduser(), question, options.within or WITHIN_S)
    if question.after_start_ns is not None:
        raise InvalidInput("STAMP", options.stamp, "--bag, too: it counts from the bag's start")
    home = sage_home(options.home)
    running = running_graph(home)
    if running is not None:
        return _of_graph(running, home, question, options.within)
    from sage.explain.moments import look_up

    return look_up(home, question, options.within or WITHIN_MEMORY_S)


def _of_graph(
    running: RunningGraph, home: Path, question: Question, within_s: float | None
) -> Explanation:
    """What the running graph knows, or what the memory has kept of a moment that it does not."""
    from sage.explain.moments import ask_graph, look_up, stamp_of, state_at
    from sage_memory.core.errors import MemoryFailure

    asked_ns = question.stamp_ns
    if question.experience_id:
        asked_ns = stamp_of(home, question.experience_id)
    try:
        explanation = ask_graph(running, asked_ns, within_s or WITHIN_S)
        state = state_at(running, explanation.stamp_ns)
        return replace(explanation, experience_id=question.experience_id, state=state)
    except MomentUnknown as unknown:
        if asked_ns is None:
            raise
        try:
            explanation = look_up(home, question, within_s or WITHIN_MEMORY_S)
        except (MomentUnknown, MemoryFailure) as nothing:
            raise MomentUnknown(f"{unknown}; {nothing}") from nothing
        state = state_at(running, explanation.stamp_ns)
        return replace(explanation, notes=(*explanation.notes, str(unknown)), state=state)
