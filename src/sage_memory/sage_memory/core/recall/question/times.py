"""What a question says of when."""

from __future__ import annotations

import re
from typing import NamedTuple

from sage_memory.core.experience import MAX_STAMP_NS
from sage_memory.core.recall.question import clock_times, days
from sage_memory.core.recall.question.calendar import Calendar, Span
from sage_memory.core.recall.question.phrases import Phrase, matches


class SaidOfTime(NamedTuple):
    """What was found in a question.

    Attributes:
        phrases: that are understood.
        start_ns, end_ns: first and last nanosecond that is meant; None: no bound.
        notes: the filter, or why there is none, in words.
    """

    phrases: tuple[Phrase, ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    notes: tuple[str, ...] = ()


def said_of_time(text: str, calendar: Calendar) -> SaidOfTime:
    """The span that a text asks for; of several what is in all of them."""
    spans, unknown = _days(text, calendar)
    clocks = [
        found
        for found in matches(clock_times.FORM, text)
        if not Phrase(*found.span()).overlaps(spans)
    ]
    said = sorted([*spans, *(Phrase(*found.span()) for found in clocks)])
    span: Span | None = Span(None, None)
    for one in spans.values():
        span = None if span is None else span.within(one)
    if span is None or len(clocks) > 1:
        named = ", ".join(text[slice(*phrase)] for phrase in said)
        return SaidOfTime(notes=(f"{named}: no time is in all of them, asked as words",))
    for found in clocks:
        on_day = span if span.start is not None and span.end is not None else None
        at = clock_times.span_of(found, calendar, on_day) if on_day or not spans else None
        if at is not None and _storable(at, calendar):
            span = at
        else:
            said.remove(Phrase(*found.span()))
            unknown.append(Phrase(*found.span()))
    notes = tuple(
        f"{text[slice(*phrase)]}: not understood as a time, asked as words"
        for phrase in sorted(unknown)
        if not phrase.overlaps(said)
    )
    if not said:
        return SaidOfTime(notes=notes)
    named = " ".join(text[slice(*phrase)] for phrase in said)
    return SaidOfTime(
        tuple(said),
        None if span.start is None else max(calendar.ns(span.start), 0),
        None if span.end is None else calendar.ns(span.end) - 1,
        (f"{named}: {calendar.shown(span)}", *notes),
    )


def _days(text: str, calendar: Calendar) -> tuple[dict[Phrase, Span], list[Phrase]]:
    """Spans that are named, and phrases that name none: the 31st of February."""
    spans: dict[Phrase, Span] = {}
    unknown: list[Phrase] = []
    for form, meant in days.FORMS:
        for found in matches(form, text):
            phrase = Phrase(*found.span())
            if phrase.overlaps(spans):
                continue
            span = _span(meant, found, calendar)
            if span is not None and _storable(span, calendar):
                spans[phrase] = span
            elif " " in found[0] and not phrase.overlaps(unknown):  # "Friday" alone may be a name
                unknown.append(phrase)
    return spans, unknown


def _span(meant: days.Meant, found: re.Match[str], calendar: Calendar) -> Span | None:
    try:
        return meant(found, calendar)
    except (ValueError, OverflowError):
        return None  # the 31st of February, or 9999 weeks ago


def _storable(span: Span, calendar: Calendar) -> bool:
    """Whether it is a span, in which something can have been kept."""
    if span.start is not None and span.end is not None and span.start >= span.end:
        return False
    try:
        bounds = [calendar.ns(one) for one in (span.start, span.end) if one is not None]
    except (ValueError, OverflowError):
        return False
    return bounds[-1] > 0 and max(bounds) <= MAX_STAMP_NS
