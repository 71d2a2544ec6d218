"""Phrases in a text: where they may stand so that they mean what they seem to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|(?<!\w)'[^']*'(?!\w)")
REFUSING = re.compile(
    r"(?:\b(?:not|never|except|besides|without|unless|but|than)|n['’]t)\s+(?:for\s+)?$",
    re.IGNORECASE,
)
"""What turns the phrase after it around."""
BEFORE = r"(?<![\w'’/.:-])"
AFTER = r"(?![\w/-]|['’]\w|[.:]\d)"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
GOES_ON = (
    "in|at|on|near|by|from|with|and|or|but|when|while|that|which|who|where|i|we|you|he|she|it|they"
    "|did|do|does|was|were|is|are|this|last|yesterday|today|tonight|before|after|between|since"
    "|until|till|during|around|about|the|a|an|there|to|for|inside|outside|behind|under|next|close"
    "|earlier|again|within|over|not"
)
"""Words that can follow a phrase which is complete; what else follows would be part of it: "in the
kitchen drawer", "before 9 people came"."""
WHOLE = AFTER + r"(?=\s*(?:$|[?.!,;)]|(?:" + "|".join((GOES_ON, *WEEKDAYS)) + r")\b))"


class Phrase(NamedTuple):
    """Characters `start` to before `end` of a text."""

    start: int
    end: int

    def overlaps(self, others: Iterable[Phrase]) -> bool:
        """Whether it shares a character with one of the others."""
        return any(self.start < other.end and other.start < self.end for other in others)


def pattern(body: str, whole: bool = False) -> re.Pattern[str]:
    """Matches `body` as words of their own; `whole`: only where nothing can belong to it."""
    spaced = body.replace(" ", r"\s+")
    return re.compile(f"{BEFORE}(?:{spaced}){WHOLE if whole else AFTER}", re.IGNORECASE)


def matches(form: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Where a form stands, but in quotation marks or after what turns it around."""
    quoted = [Phrase(*found.span()) for found in QUOTED.finditer(text)]
    for found in form.finditer(text):
        if Phrase(*found.span()).overlaps(quoted) or REFUSING.search(text, 0, found.start()):
            continue
        yield found


def without(text: str, phrases: Iterable[Phrase]) -> str:
    """The text without some phrases, and without the spaces and commas that they leave."""
    for phrase in sorted(phrases, reverse=True):
        text = f"{text[: phrase.start]} {text[phrase.end :]}"
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([?.!,;])", r"\1", text)
    return re.sub(r",+(?=[?.!;,]|$)|^[\s,]+", "", text).strip()
