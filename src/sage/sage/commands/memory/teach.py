"""Teach a word with a few pictures or sounds, list the words that were taught, or forget one.

What is kept from then on is named by it, what was kept before by `sage memory name`; questions may
ask for it: `sage recall "where is my cup"`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sage.commands.options import add_home_argument
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home

if TYPE_CHECKING:
    from sage_memory.core.experience import Experience
    from sage_memory.core.taught.taught_word import TaughtWord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("word", nargs="*", help="how it is called, for instance my cup")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--image", type=Path, action="append", metavar="FILE",
        help="a picture that shows it, and little else; may be given several times",
    )  # fmt: skip
    how.add_argument(
        "--sound", type=Path, action="append", metavar="FILE",
        help="a sound of it, whose loudest second counts; may be given several times",
    )  # fmt: skip
    how.add_argument("--last", action="store_true", help="what was kept last shows it")
    how.add_argument("--list", action="store_true", help="list the words that were taught")
    how.add_argument("--forget", action="store_true", help="forget the word, and what it found")
    parser.add_argument("--modality", help="with --last: of what was kept; default: vision")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    from sage.client.memory_client import memory_client
    from sage.memory.report import time_text
    from sage_memory.core.identifiers import id_text
    from sage_memory.core.store.taught_naming import LOOKED_BACK
    from sage_memory.core.taught.taught_word import plain_word

    home = sage_home(options.home)
    if options.modality and not options.last:
        raise InvalidInput("modality", options.modality, "--last beside it")
    if options.list:
        return _list(options, home)
    word = plain_word(" ".join(options.word))
    if options.forget:
        memory_client(home).forget_word(word)
        print(json.dumps({"forgotten": word}) if options.json else f"{word} is forgotten")
        return 0
    again, moment = _shown(options, word, home)
    lesson = memory_client(home).teach(again)
    shown = f"{word}: {lesson.examples} examples" if lesson.examples > 1 else f"{word}: 1 example"
    found = f"found in {lesson.found} of the last {lesson.looked_at} that are kept"
    before = "; sage memory name looks at those before" * (lesson.looked_at == LOOKED_BACK)
    if lesson.note:
        print(f"note: {lesson.note}", file=sys.stderr)
    if moment is not None:
        shown += f"; the last one was kept {time_text(moment.start_ns)}, {id_text(moment.id)}"
    taken = {"id": id_text(moment.id), "start_ns": moment.start_ns} if moment else None
    printed = lesson._asdict() | {"last": taken}
    print(json.dumps(printed) if options.json else f"{shown}; {found}{before}")
    return 0


def _shown(
    options: argparse.Namespace, word: str, home: Path
) -> tuple[TaughtWord, Experience | None]:
    """The word with examples, and with --last the moment that they are of."""
    from sage.recall.taught_examples import shown_by_images, shown_by_sounds, shown_last

    if options.image:
        return shown_by_images(word, options.image), None
    if options.sound:
        return shown_by_sounds(word, options.sound), None
    return shown_last(word, home, options.modality or "vision")


def _list(options: argparse.Namespace, home: Path) -> int:
    from sage.memory.opening import open_memory
    from sage.memory.report import taught_lines

    if options.word:
        raise InvalidInput("word", " ".join(options.word), "none beside --list")
    with open_memory(home, read_only=True) as memory:
        words = memory.taught_words()
    shown = [
        {
            "word": word.word,
            "kind": word.kind,
            "examples": len(word.examples),
            "features_by": word.features_by,
            "taught_ns": word.taught_ns,
        }
        for word in words
    ]
    lines = taught_lines(home, words)
    print(json.dumps({"words": shown}) if options.json else "\n".join(lines))
    return 0
