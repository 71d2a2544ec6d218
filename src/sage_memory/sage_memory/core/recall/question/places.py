"""What a question says of where: places that are known by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.recall.question.phrases import Phrase, matches, pattern

WHERE = "(?:in|inside|at|near|by|around|on|close to|next to) (?:(?:the|my|our|your) )?"


class SaidOfPlace(NamedTuple):
    """The place, where in the text it is named, and the filter or why there is none, in words."""

    phrases: tuple[Phrase, ...] = ()
    place: NamedPlace | None = None
    notes: tuple[str, ...] = ()


def said_of_place(text: str, known: Sequence[NamedPlace]) -> SaidOfPlace:
    """The one known place that a text asks for; of names within others the longest."""
    found: dict[Phrase, NamedPlace] = {}
    for place in sorted(known, key=lambda one: -len(one.name)):
        body = WHERE + " ".join(map(_escaped, place.name.split()))
        for match in matches(pattern(body, whole=True), text):
            phrase = Phrase(*match.span())
            if not phrase.overlaps(found):
                found[phrase] = place
    named = {place.name: place for place in found.values()}
    if len(named) > 1:
        names = ", ".join(sorted(named))
        return SaidOfPlace(notes=(f"{names}: one place at a time, asked as words",))
    for place in named.values():
        x, y, _ = place.centre
        shown = f"within {place.radius_m:.1f} m of {x:.1f}, {y:.1f} in {place.frame}"
        return SaidOfPlace(tuple(found), place, (f"{place.name}: {shown}",))
    return SaidOfPlace()


def _escaped(word: str) -> str:
    return "".join(letter if letter.isalnum() else f"\\{letter}" for letter in word)
