"""Whose words a question asks for: "what did Anna say"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sage_memory.core.recall.question.phrases import Phrase, matches, pattern

NOBODY = (
    r"i|you|we|he|she|it|they|this|that|these|those|the|a|an|my|our|your|any\w*|some\w*|every\w*"
    "|nobody|people|who|there"
)
FORM = pattern(
    rf"did (?P<name>(?!(?:{NOBODY})\b)[\w-]+(?: (?!last\b|ever\b|say\b)[\w-]+)?)"
    r"(?= (?:(?:last|ever) )?say\b)"
)


class SaidOfSpeaker(NamedTuple):
    """Who it is, where they are named in the text, and the filter or why there is none."""

    phrases: tuple[Phrase, ...] = ()
    entity: str = ""
    notes: tuple[str, ...] = ()


def said_of_speaker(text: str, speakers: Iterable[str]) -> SaidOfSpeaker:
    """The one whose words a text asks for.

    Args:
        speakers: names that the memory knows.
    """
    known = {name.casefold(): name for name in speakers}
    for found in matches(FORM, text):
        name = " ".join(found["name"].split())
        entity = known.get(name.casefold(), "")
        if not entity:
            note = f"{name}: nothing in the memory is from somebody of this name, asked as words"
            return SaidOfSpeaker(notes=(note,))
        return SaidOfSpeaker((Phrase(*found.span("name")),), entity, (f"{name}: from {entity}",))
    return SaidOfSpeaker()
