"""Ask the memory: by words, picture, sound, puzzle, a kept experience, time, place, or several.

Asked is the memory of the running graph, or else the store itself: the answers are the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sage.commands.options import add_home_argument
from sage.recall.question import Question, Reply, checked, parse_span, parse_spot
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home
from sage_common.core.specs.modality import usual_modalities


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "text", nargs="*", help='what to look for, in words, for instance "a street with trees"'
    )
    _add_examples(parser.add_argument_group("by example"))
    _add_conditions(parser.add_argument_group("conditions, all of which must hold"))
    parser.add_argument(
        "--limit", type=int, default=5, metavar="N",
        help="most answers, 1 to 1000, for instance --limit 20; default: 5",
    )  # fmt: skip
    parser.add_argument(
        "--literal", action="store_true",
        help="ask all words as they are: without it, those that say when and where, for instance "
        "`this morning`, become conditions, which are printed",
    )  # fmt: skip
    parser.add_argument(
        "--declined", action="store_true",
        help="also print what came close, and which condition it failed, for instance beside "
        "--modality audio",
    )  # fmt: skip
    parser.add_argument(
        "--explain", action="store_true",
        help="also print salience by dimension, encoders, and how many each condition left; "
        "--declined is in it",
    )  # fmt: skip
    parser.add_argument(
        "--thumbnails", type=Path, metavar="DIR",
        help="write what was seen and heard as files into this folder, for instance "
        "--thumbnails /tmp/seen",
    )  # fmt: skip
    parser.add_argument(
        "--show", action="store_true",
        help="draw what was seen, and the spectrum of what was heard, in the terminal",
    )  # fmt: skip
    parser.add_argument(
        "--json", action="store_true",
        help="print answers, notes and what was declined as one JSON object, for instance for jq",
    )  # fmt: skip
    add_home_argument(parser)


def _add_examples(group: Any) -> None:
    group.add_argument(
        "--image", type=Path, metavar="FILE",
        help="what looks like this picture (JPEG, PNG, WebP), for instance --image door.jpg",
    )  # fmt: skip
    group.add_argument(
        "--sound", type=Path, metavar="FILE",
        help="what sounds like the last second of this file (WAV, FLAC, OGG), for instance "
        "--sound bark.wav",
    )  # fmt: skip
    group.add_argument(
        "--puzzle", type=Path, metavar="FILE",
        help="what has nearly this puzzle: a text file of 30 lines of 30 digits, for instance "
        "--puzzle seen.txt",
    )  # fmt: skip
    group.add_argument(
        "--like", default="", metavar="ID",
        help="what resembles this experience, itself left out: the id of an answer, for instance "
        "--like 01932c07-58f1-7d3a-9c2e-5a1b0f6e4d21",
    )  # fmt: skip


def _add_conditions(group: Any) -> None:
    def add(name: str, metavar: str, text: str) -> None:
        group.add_argument(name, default="", metavar=metavar, help=text)

    when = "ISO 8601, for instance {0} 2026-05-01T14:30, or an age: {0} 30s, 10m, 2h or 3d"
    add("--since", "TIME", f"not over before this time: {when.format('--since')}")
    add("--until", "TIME", f"begun by this time: {when.format('--until')}")
    add("--place", "FRAME,X,Y[,Z]",
        "experienced near this place in metres, for instance --place map,1.5,-2 --within 3; "
        "without Z at any height")  # fmt: skip
    group.add_argument(
        "--within", type=float, metavar="M",
        help="how far from --place, in metres, for instance --within 3",
    )  # fmt: skip
    group.add_argument(
        "--min-salience", type=float, default=0.0, metavar="X",
        help="at least so salient, 0 to 1, for instance --min-salience 0.6",
    )  # fmt: skip
    add("--modality", "NAME",
        "only of this sense: " + ", ".join(usual_modalities()) + ", or another that the memory "
        "has moments of, for instance --modality vision")  # fmt: skip
    add("--source", "NAME", "only of this sensor, for instance --source front")
    add("--entity", "NAME",
        "only about or from this one, as `sage memory entities` lists them, for instance "
        "--entity anna")  # fmt: skip
    add("--device", "NAME",
        "only experienced on this device, as `sage memory stats` names it, for instance "
        "--device robot1")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client
    from sage.recall.no_answer import why_no_answer
    from sage.recall.thumbnails import write_thumbnails

    question = checked(_question(options))
    home = sage_home(options.home)
    reply = memory_client(home).recall(question)
    if not reply.answers:
        reply = replace(reply, notes=(*reply.notes, *why_no_answer(home, question)))
    written: dict[str, list[str]] = {}
    if options.thumbnails is not None:
        written = write_thumbnails(options.thumbnails.expanduser(), reply.answers, home)
    if options.json:
        answers = [vars(a) | {"thumbnails": written.get(a.id, [])} for a in reply.answers]
        print(json.dumps({"answers": answers, "declined": reply.declined, "notes": reply.notes}))
    else:
        _print(options, home, reply, written)
    return 0 if reply.answers else 1


def _question(options: argparse.Namespace) -> Question:
    from sage.recall.examples import read_image, read_puzzle, read_sound

    if options.image is not None and options.sound is not None:
        raise InvalidInput("sound", str(options.sound), "one of --image and --sound")
    start_ns, end_ns = parse_span(options.since, options.until)
    text = " ".join(options.text)
    if options.text and not text.strip():
        raise InvalidInput(
            "text", text, "words; without any, all that fits the conditions is asked"
        )
    return Question(
        text=text,
        like=options.like,
        image=read_image(options.image.expanduser()) if options.image else None,
        sound=read_sound(options.sound.expanduser()) if options.sound else None,
        puzzle=read_puzzle(options.puzzle.expanduser()) if options.puzzle else None,
        spot=parse_spot(options.place, options.within),
        start_ns=start_ns,
        end_ns=end_ns,
        min_salience=options.min_salience,
        modality=options.modality,
        source=options.source,
        entity=options.entity,
        device=options.device,
        limit=options.limit,
        declined=options.declined or options.explain,
        literal=options.literal,
    )


def _print(
    options: argparse.Namespace, home: Path, reply: Reply, written: dict[str, list[str]]
) -> None:
    from rich.console import Console

    from sage.recall.format import INDENT, closing_lines, drawn, lines

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
