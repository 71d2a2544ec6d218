"""Ask the memory: by words, by a kept experience, by time, by salience, or all of these."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime

from sage.commands.options import add_home_argument
from sage.recall.question import Question, Remembered, parse_time
from sage_common.core.home import sage_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="what to look for, in words")
    parser.add_argument("--like", default="", metavar="ID", help="similar to this experience")
    parser.add_argument("--since", default="", metavar="TIME", help="ISO 8601, or 10m, 2h, 3d ago")
    parser.add_argument("--until", default="", metavar="TIME", help="ISO 8601, or 10m, 2h, 3d ago")
    parser.add_argument("--min-salience", type=float, default=0.0, metavar="X", help="0 to 1")
    parser.add_argument("--modality", default="", help="vision, audio, proprioception, language")
    parser.add_argument("--limit", type=int, default=5, metavar="N", help="1 to 1000; default: 5")
    parser.add_argument("--json", action="store_true")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    # Imported here: one way needs ROS, the other the store and the language model.
    from sage.graph.runtime_file import running_graph
    from sage.recall.graph_memory import ask_graph
    from sage.recall.stored_memory import ask_store

    question = Question(
        text=" ".join(options.text),
        like=options.like,
        start_ns=parse_time("since", options.since),
        end_ns=parse_time("until", options.until),
        min_salience=options.min_salience,
        modality=options.modality,
        limit=options.limit,
    )
    home = sage_home(options.home)
    running = running_graph(home)
    answers = ask_graph(running, question) if running else ask_store(home, question)
    if options.json:
        print(json.dumps([answer.as_dict() for answer in answers]))
    elif answers:
        for answer in answers:
            print("\n".join(line for line in _lines(answer) if line))
    else:
        print(f"nothing in {home} fits", file=sys.stderr)
    return 0 if answers else 1


def _lines(answer: Remembered) -> list[str]:
    when = datetime.fromtimestamp(answer.start_ns / 1e9).strftime("%Y-%m-%d %H:%M:%S")
    source = f"{answer.modality}/{answer.source}" if answer.source else answer.modality
    return [
        f"{answer.score:5.2f}  {when}  {source}, salience {answer.salience:.2f}",
        f"       {answer.reason}",
        f"       kept because {answer.kept_because}" if answer.kept_because else "",
        f"       {answer.payload}" if answer.payload else "",
        f"       id {answer.id}",
    ]
