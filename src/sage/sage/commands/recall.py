"""Ask the memory: by words, picture, sound, puzzle, a kept experience, time, place, or several.

Asked is the memory of the running graph, or else the store itself: the answers are the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from sage.commands.options import add_home_argument
from sage.recall.question import Question, Reply, checked, parse_spot, parse_time
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="*", help="what to look for, in words")
    example = parser.add_argument_group("by example")
    example.add_argument("--image", type=Path, metavar="FILE", help="like this picture")
    example.add_argument("--sound", type=Path, metavar="FILE", help="like the end of this sound")
    example.add_argument(
        "--puzzle", type=Path, metavar="FILE", help="like this puzzle: 30 lines of 30 digits"
    )
    example.add_argument("--like", default="", metavar="ID", help="similar to this experience")
    condition = parser.add_argument_group("conditions, all of which must hold")
    condition.add_argument(
        "--since", default="", metavar="TIME", help="ISO 8601, or 10m, 2h, 3d ago"
    )
    condition.add_argument(
        "--until", default="", metavar="TIME", help="ISO 8601, or 10m, 2h, 3d ago"
    )
    condition.add_argument(
        "--place", default="", metavar="FRAME,X,Y[,Z]", help="near this place; metres"
    )
    condition.add_argument("--within", type=float, metavar="M", help="how near --place; metres")
    condition.add_argument("--min-salience", type=float, default=0.0, metavar="X", help="0 to 1")
    condition.add_argument("--modality", default="", help="vision, audio, proprioception, language")
    condition.add_argument("--source", default="", help="of this sensor, for instance front")
    condition.add_argument("--entity", default="", help="about or from this one: a speaker, say")
    condition.add_argument("--device", default="", help="experienced on this device")
    parser.add_argument("--limit", type=int, default=5, metavar="N", help="1 to 1000; default: 5")
    parser.add_argument(
        "--declined", action="store_true", help="also what came close and failed a condition"
    )
    parser.add_argument("--explain", action="store_true", help="all that the answers come from")
    parser.add_argument(
        "--thumbnails", type=Path, metavar="DIR", help="write what was seen and heard there"
    )
    parser.add_argument("--show", action="store_true", help="draw it in the terminal")
    parser.add_argument("--json", action="store_true")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    # Imported here: one way needs ROS, the other the store and the models.
    from sage.graph.runtime_file import running_graph
    from sage.recall.graph_memory import ask_graph
    from sage.recall.nothing import why_nothing
    from sage.recall.stored_memory import ask_store
    from sage.recall.thumbnails import write_thumbnails

    question = checked(_question(options))
    home = sage_home(options.home)
    running = running_graph(home)
    reply = ask_graph(running, question) if running else ask_store(home, question)
    if not reply.answers:
        reply = replace(reply, notes=(*reply.notes, *why_nothing(home, question)))
    written: dict[str, list[str]] = {}
    if options.thumbnails is not None:
        written = write_thumbnails(options.thumbnails.expanduser(), reply.answers, home)
    if options.json:
        answers = [a.as_dict() | {"thumbnails": written.get(a.id, [])} for a in reply.answers]
        print(json.dumps({"answers": answers, "declined": reply.declined, "notes": reply.notes}))
    else:
        _tell(options, home, reply, written)
    return 0 if reply.answers else 1


def _question(options: argparse.Namespace) -> Question:
    from sage.recall.examples import read_image, read_puzzle, read_sound

    if options.image is not None and options.sound is not None:
        raise InvalidInput("sound", str(options.sound), "one of --image and --sound")
    return Question(
        text=" ".join(options.text),
        like=options.like,
        image=read_image(options.image.expanduser()) if options.image else None,
        sound=read_sound(options.sound.expanduser()) if options.sound else None,
        puzzle=read_puzzle(options.puzzle.expanduser()) if options.puzzle else None,
        spot=parse_spot(options.place, options.within),
        start_ns=parse_time("since", options.since),
        end_ns=parse_time("until", options.until),
        min_salience=options.min_salience,
        modality=options.modality,
        source=options.source,
        entity=options.entity,
        device=options.device,
        limit=options.limit,
        declined=options.declined or options.explain,
    )


def _tell(
    options: argparse.Namespace, home: Path, reply: Reply, written: dict[str, list[str]]
) -> None:
    from rich.console import Console

    from sage.recall.shown import INDENT, closing_lines, drawn, lines

    console = Console(highlight=False, soft_wrap=True)
    for answer in reply.answers:
        for line in lines(answer, options.explain):
            console.print(line, markup=False)
        for path in written.get(answer.id, []):
            console.print(f"{INDENT}written: {path}", markup=False)
        picture = drawn(answer, home) if options.show else None
        if picture is not None:
            console.print(picture, end="")
    for line in closing_lines(reply):
        console.print(line, markup=False)
    if not reply.answers:
        print(f"nothing in {home} fits", file=sys.stderr)
