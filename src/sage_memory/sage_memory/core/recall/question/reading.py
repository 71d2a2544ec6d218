"""A question in English, taken apart into what it is about and filters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sage_common.core.words.subject import subject
from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.recall.query import Query
from sage_memory.core.recall.question.calendar import Calendar
from sage_memory.core.recall.question.order import SaidOfOrder, said_of_order
from sage_memory.core.recall.question.phrases import without
from sage_memory.core.recall.question.places import SaidOfPlace, said_of_place
from sage_memory.core.recall.question.senses import SaidOfSense, said_of_sense
from sage_memory.core.recall.question.speakers import SaidOfSpeaker, said_of_speaker
from sage_memory.core.recall.question.times import SaidOfTime, said_of_time

LONGEST = 400
"""Characters of a question; longer ones are texts to compare with."""
NOTHING = re.compile(
    r"(?:\b(?:happen|happened|happening|occurred|been|be|going|go|on|see|saw|seen|hear|heard|say|said"
    r"|anything|everything|something|anybody|everybody|anyone|everyone|things?|sounds?|pictures?"
    r"|that|and|i|you|we|me|us|did|do|have|has|had|was|were|all)\b|\W)*",
    re.IGNORECASE,
)
"""What is left of a question that is about nothing but when, where and which sense."""
ASKS = re.compile(
    r"\W*(?:please\W+)?(?:where|when|what|which|who|did|do|have|has|show|tell)\b", re.IGNORECASE
)
"""How a question begins."""
SAYS = re.compile(r"\b(?:say|said)\b", re.IGNORECASE)
NEITHER = {
    "not": re.compile(r"\b(?:not|no|never|without)\b(?! only| in )", re.IGNORECASE),
    "how many": re.compile(r"\bhow (?:many|often|much)\b", re.IGNORECASE),
}
"""Words that change what is asked for, and are not understood."""


@dataclass(frozen=True)
class Known:
    """What questions may refer to.

    Attributes:
        places: known by name.
        modalities: sense -> its modality, where there is one.
        entities: whom or what experiences are about or from.
    """

    places: Sequence[NamedPlace] = ()
    modalities: Mapping[str, str] = field(default_factory=dict)
    entities: Sequence[str] = ()


@dataclass(frozen=True)
class Reading:
    """A query of words with what its words say of when, where and how as conditions.

    Attributes:
        query: its `text` is what is left, which is not embedded yet.
        notes: each filter that was made, in words; empty: the words are asked as they are.
    """

    query: Query
    notes: tuple[str, ...] = ()


def read_words(query: Query, calendar: Calendar, known: Known) -> Reading:
    """Take the words of a query apart; what is not understood stays in them.

    A condition that the query already sets is left alone, and so are words about it.
    """
    text = query.text
    if not text.strip() or len(text) > LONGEST:
        return Reading(query)
    order = SaidOfOrder() if query.newest_first else said_of_order(text)
    timed = query.start_ns is not None or query.end_ns is not None
    time = SaidOfTime() if timed else said_of_time(text, calendar)
    placed = query.place is not None
    place = SaidOfPlace() if placed else said_of_place(text, known.places)
    sense = SaidOfSense() if query.modality else said_of_sense(text, known.modalities)
    speaker = SaidOfSpeaker() if query.entity else said_of_speaker(text, known.entities)
    found = (*order.phrases, *time.phrases, *place.phrases, *speaker.phrases)
    words = without(text, found) if found else text
    about = subject(words)
    is_all = NOTHING.fullmatch(about) is not None and (found or ASKS.match(text) is not None)
    if is_all:
        words = ""
    elif sense.modality and not SAYS.search(words) and ASKS.match(words):
        # "where did I see" makes any view alike
        words = about or words
    notes = (*order.notes, *time.notes, *place.notes, *speaker.notes, *sense.notes)
    notes += tuple(
        f"{n}: not understood, asked as words" for n, w in NEITHER.items() if w.search(words)
    )
    if not (found or sense.modality or is_all):
        return Reading(query, notes)
    read_as = replace(
        query,
        text=words,
        newest_first=query.newest_first or bool(order.phrases),
        limit=min(order.limit or query.limit, query.limit),
        start_ns=query.start_ns if timed else time.start_ns,
        end_ns=query.end_ns if timed else time.end_ns,
        modality=query.modality or sense.modality,
        entity=query.entity or speaker.entity,
    )
    if place.place is not None:
        area = place.place
        read_as = replace(
            read_as, place_frame=area.frame, place=area.centre, place_radius_m=area.radius_m
        )
    left = f'words left: "{words}"' if words else "no words left: all that fits"
    return Reading(read_as, (*notes, f"{left}; --literal (literal) makes no filters of words"))
