"""What a question says of where: places that are known by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.places.spoken import PLACES
from sage_memory.core.recall.question.phrases import REFUSING, Phrase, matches, pattern

WHOSE = "(?:(?:the|my|our|your) )?"
WHERE = "(?:in|inside|at|near|by|around|on|close to|next to) " + WHOSE
OR = re.compile(r"\s+(?:or|nor|and/or)\b", re.IGNORECASE)
USUAL = pattern(
    rf"(?:in|inside|at) (?:the|my|our|your) (?P<name>(?:\w+ )?(?:{PLACES.pattern}))", whole=True
)
"""A place by a usual word for one, whether anybody gave it that name or not."""
QUESTION = re.compile(
    r"^\W*(?:what|when|where|who|whom|which|did|do|does|have|has|had|was|were|is|are)\b|\?\s*$",
    re.IGNORECASE,
)


class SaidOfPlace(NamedTuple):
    """The place, where in the text it is named, and the filter or why there is none, in words."""

    phrases: tuple[Phrase, ...] = ()
    place: NamedPlace | None = None
    notes: tuple[str, ...] = ()


def said_of_place(text: str, known: Sequence[NamedPlace]) -> SaidOfPlace:
    """The one known place that a text asks for; of names within others the longest."""
    found: dict[Phrase, NamedPlace] = {}
    beside: set[str] = set()
    for place in sorted(known, key=lambda one: -len(one.name)):
        name = " ".join(map(_escaped, place.name.split()))
        refused = _refused(pattern(WHERE + name), text)
        if refused:
            return SaidOfPlace(notes=(f"{refused}: not understood as a place, asked as words",))
        for match in matches(pattern(WHERE + name, whole=True), text):
            phrase = Phrase(*match.span())
            if not phrase.overlaps(found):
                found[phrase] = place
        if pattern(f"(?:or|and|nor) {WHOSE}{name}", whole=True).search(text):
            beside.add(place.name)
    named = {place.name: place for place in found.values()}
    others = sorted({*named, *beside}) if named else []
    if len(others) > 1 or any(OR.match(text, phrase.end) for phrase in found):
        names = ", ".join(others)
        return SaidOfPlace(notes=(f"{names}: one place at a time, asked as words",))
    for place in named.values():
        x, y, _ = place.centre
        shown = f"within {place.radius_m:.1f} m of {x:.1f}, {y:.1f} in {place.frame}"
        return SaidOfPlace(tuple(found), place, (f"{place.name}: {shown}",))
    return SaidOfPlace(notes=_unknown(text))


def _refused(form: re.Pattern[str], text: str) -> str:
    """The place with the word before it that turns it around; empty: there is none."""
    for found in form.finditer(text):
        before = REFUSING.search(text, 0, found.start())
        if before is not None:
            return text[before.start() : found.end()]
    return ""


def _unknown(text: str) -> tuple[str, ...]:
    """What a question says of a place that nobody has named."""
    if not QUESTION.search(text):
        return ()
    names = {" ".join(found["name"].casefold().split()) for found in matches(USUAL, text)}
    return tuple(
        f"{name}: no place has this name (`sage place {name}` gives it, there), asked as words"
        for name in sorted(names)
    )


def _escaped(word: str) -> str:
    return "".join(letter if letter.isalnum() else f"\\{letter}" for letter in word)
