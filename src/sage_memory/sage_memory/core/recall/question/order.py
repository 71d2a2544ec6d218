"""Phrases that ask for the newest: "the last time I saw", "where did I last see"."""

from __future__ import annotations

import re
from typing import NamedTuple

from sage_memory.core.recall.query import MAX_LIMIT
from sage_memory.core.recall.question.days import NUMBER, NUMBERS
from sage_memory.core.recall.question.phrases import Phrase, matches, pattern

DONE = (
    "see|saw|seen|hear|heard|meet|met|say|said|notice|noticed|find|found|visit|visited|go|went|be"
    "|been|come|came|leave|left|put|use|used|talk|talked|speak|spoke|spoken|happen|happened|pass"
    "|passed|look|looked|move|moved|touch|touched|feel|felt|open|opened|stop|stopped"
)
"""Verbs of what was done the last time."""
TIMES = pattern(
    r"(?:(?:when|where) (?:was|is) )?(?<!for\x20)(?<!one\x20)(?<!for\x20the\x20)(?:the )?last "
    rf"(?:(?P<count>{NUMBER}) )?times?(?: that)?"
    r"(?= (?:i|you|we|he|she|it|they|there|a|an|the|any\w*|some\w*)\b|\s*[?.!,]*$)"
)
BEFORE_VERB = pattern(
    r"(?:did|have|has|had|was|were|i|you|we|he|she|it|they) (?:[^\s?.!,;]+ ){0,4}?"
    rf"(?P<last>last|most recently)(?= (?:{DONE})\b)"
)
AT_END = pattern(
    rf"(?:{DONE})(?: [^\s?.!,;]+){{0,6}}?(?<!\bto)(?<!will)(?<!would)(?<!could)(?<!can)(?<!not) "
    r"(?P<last>last)(?=\s*[?.!]*$)"
)
ASKING = re.compile(r"\W*(?:what|when|where|who|whom|which)\b", re.IGNORECASE)


class SaidOfOrder(NamedTuple):
    """Whether the newest is asked for, how many at most (0: as many as there are), and where."""

    phrases: tuple[Phrase, ...] = ()
    limit: int = 0
    notes: tuple[str, ...] = ()


def said_of_order(text: str) -> SaidOfOrder:
    """What a text says of the newest."""
    for found in matches(TIMES, text):
        limit = _count(found["count"])
        most = f", at most {limit}" if limit else ""
        return _newest(text, found.span(), limit, most)
    for form in (BEFORE_VERB, AT_END):
        for found in matches(form, text):
            if form is BEFORE_VERB or ASKING.match(text):
                return _newest(text, found.span("last"))
    return SaidOfOrder()


def _newest(text: str, span: tuple[int, int], limit: int = 0, most: str = "") -> SaidOfOrder:
    return SaidOfOrder((Phrase(*span),), limit, (f"{text[slice(*span)]}: newest first{most}",))


def _count(words: str | None) -> int:
    if not words:
        return 0
    count = NUMBERS.get(" ".join(words.lower().split()))
    number = float(words) if count is None else count
    return min(int(number), MAX_LIMIT) if number >= 1 else 0
