"""Why nothing was found: a damaged store, a name that no experience has, or another language."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage.memory.counts import count
from sage.memory.opening import open_rows
from sage.recall.question import Question
from sage_common.core.errors import nearest_name
from sage_memory.core.engine.schema import experiences
from sage_memory.core.errors import MemoryFailure, StoreDamaged

NAMED = {"modality": "modality", "source": "source", "entity": "entity", "device": "device_id"}
"""Condition -> column."""
MOST_NAMED = 8


def why_no_answer(home: Path, question: Question) -> list[str]:
    """What is to be known where a question has no answer; looks at every row.

    Raises:
        StoreDamaged: rows cannot be read; what was asked for may be among them.
    """
    try:
        with open_rows(home) as connection:
            count(connection)
            found = [*unknown_names(connection, question), *unknown_places(connection, question)]
            return [*found, *other_languages(question.text)]
    except StoreDamaged:
        raise
    except MemoryFailure:
        return []  # a running graph has its store elsewhere, or another key: it has answered


def unknown_names(connection: Connection, question: Question) -> list[str]:
    """A hint for each name in the conditions that no experience has, with the nearest one."""
    hints = []
    for condition, column in NAMED.items():
        asked = getattr(question, condition)
        if asked:
            known = _known(connection, column)
            if asked not in known:
                hints.append(_hint(condition, asked, known))
    return hints


def unknown_places(connection: Connection, question: Question) -> list[str]:
    """A hint where the place that was asked for can fit nothing: no poses, or other frames."""
    if question.spot is None:
        return []
    frames = _known(connection, "place_frame")
    if not frames:
        return ["place: no experience knows where it was; that takes the topic `pose`"]
    if question.spot.frame not in frames:
        return [_hint("place in frame", question.spot.frame, frames)]
    return []


def other_languages(text: str) -> list[str]:
    """A hint where words have letters that English has not."""
    if all(letter.isascii() for letter in text if letter.isalpha()):
        return []
    return [
        "words are compared by an encoder that was taught English, and names of what is recognised "
        "are English, too: ask in English"
    ]


def _known(connection: Connection, column: str) -> list[str]:
    wanted = select(experiences.c[column]).where(experiences.c.forgotten_ns.is_(None)).distinct()
    return sorted(name for name in connection.execute(wanted).scalars() if name)


def _hint(condition: str, asked: str, known: list[str]) -> str:
    if not known:
        return f"{condition} {asked!r}: no experience has any {condition}"
    nearest = nearest_name(asked, known)
    others = [name for name in known if name != nearest][: MOST_NAMED - 1]
    rest = f" (others: {', '.join(others)})" if others else ""
    return f"{condition} {asked!r}: no experience has it; the nearest known is {nearest}{rest}"
