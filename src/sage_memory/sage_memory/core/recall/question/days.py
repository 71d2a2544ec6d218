"""Phrases that name days and other spans: "last night", "since Monday", "an hour ago"."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from sage_memory.core.recall.question.calendar import DAY, PARTS, Calendar, Span, part_of
from sage_memory.core.recall.question.phrases import WEEKDAYS, pattern

Match = re.Match[str]
NUMBERS = {
    "half a": 0.5, "half an": 0.5, "a couple of": 2, "a": 1, "an": 1, "one": 1, "two": 2,
    "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "forty-five": 45, "fifty": 50, "sixty": 60, "ninety": 90,
}  # fmt: skip
NUMBER = r"\d{1,4}(?:\.\d+)?|" + "|".join(sorted(NUMBERS, key=len, reverse=True))
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
UNIT = "(?P<unit>" + "|".join(SECONDS) + ")s?"
BOUND = "(?:(?P<bound>before|until|till|since|after) )?"
PART = "(?P<part>" + "|".join(PARTS) + ")"
OF_DAY = f"(?: (?:in the |at )?{PART})?"
MONTH = "(?P<month>" + "|".join(MONTHS) + ")"
SUFFIX = "(?:st|nd|rd|th)?"


def bounded(span: Span, bound: str | None) -> Span:
    """The span itself, or what is before, until, since or after it."""
    if bound == "before":
        return Span(None, span.start)
    if bound in ("until", "till"):
        return Span(None, span.end)
    if bound == "since":
        return Span(span.start, None)
    return Span(span.end, None) if bound == "after" else span


def _in_day(found: Match, day: Span) -> Span:
    part = found["part"]
    return bounded(part_of(day, part.lower()) if part else day, _lower(found["bound"]))


def _near_day(found: Match, calendar: Calendar) -> Span:
    ago = {"today": 0, "yesterday": 1}.get(found["day"].lower(), 2)
    return _in_day(found, calendar.day(ago))


def _this_part(found: Match, calendar: Calendar) -> Span:
    return _in_day(found, calendar.day(0))


def _night(found: Match, calendar: Calendar) -> Span:
    return bounded(calendar.night(found["night"].lower() != "tonight"), _lower(found["bound"]))


def _weekday(found: Match, calendar: Calendar) -> Span | None:
    if not (found["bound"] or found["on"] or found["part"]):
        return None  # a name, say
    last = (_lower(found["on"]) or "") == "last"
    return _in_day(found, calendar.weekday(WEEKDAYS.index(found["day"].lower()), last))


def _iso_date(found: Match, calendar: Calendar) -> Span:
    year, month, day = map(int, found["day"].split("-"))
    return bounded(calendar.date(day, month, year), _lower(found["bound"]))


def _date(found: Match, calendar: Calendar) -> Span:
    month = MONTHS.index(found["month"].lower()) + 1
    year = int(found["year"]) if found["year"] else None
    return bounded(calendar.date(int(found["day"]), month, year), _lower(found["bound"]))


def _ago(found: Match, calendar: Calendar) -> Span | None:
    """Half of the time that has passed since then wide; of days and weeks whole days."""
    count, unit = _number(found["number"]), found["unit"].lower()
    past = timedelta(seconds=count * SECONDS[unit])
    if found["bound"]:
        then = calendar.now - past
        return bounded(Span(then, then), found["bound"].lower())
    if unit not in ("day", "week"):
        return Span(calendar.now - 1.5 * past, calendar.now - 0.5 * past)
    if count != int(count):
        return None
    days, around = int(past / DAY), 3 if unit == "week" else 0
    return Span(calendar.day(days + around).start, calendar.day(days - around).end)


def _past(found: Match, calendar: Calendar) -> Span:
    past = _number(found["number"] or "a") * timedelta(seconds=SECONDS[found["unit"].lower()])
    return Span(calendar.now - past, calendar.now)


def _unit(found: Match, calendar: Calendar) -> Span:
    span = calendar.unit(found["unit"].lower(), found["which"].lower() == "last")
    return bounded(span, _lower(found["bound"]))


def _number(words: str) -> float:
    named = NUMBERS.get(" ".join(words.lower().split()))
    return float(words) if named is None else float(named)


def _lower(words: str | None) -> str | None:
    return None if words is None else words.lower()


Meant = Callable[[Match, Calendar], Span | None]
FORMS: tuple[tuple[re.Pattern[str], Meant], ...] = (
    (pattern(rf"{BOUND}(?:(?:about|around) )?(?P<number>{NUMBER}) {UNIT} ago"), _ago),
    (
        pattern(
            r"(?:in|within|during|over|throughout) (?:the )?(?:last|past) "
            rf"(?:(?P<number>{NUMBER}) )?{UNIT}",
            whole=True,
        ),
        _past,
    ),
    (pattern(rf"(?:the )?(?:last|past) (?P<number>{NUMBER}) {UNIT}", whole=True), _past),
    (
        pattern(
            rf"{BOUND}(?:earlier )?(?P<day>(?<!the\x20)today|the day before yesterday|"
            rf"(?<!the\x20)yesterday){OF_DAY}"
        ),
        _near_day,
    ),
    (pattern(rf"{BOUND}(?:earlier )?this (?P<part>morning|afternoon|evening)"), _this_part),
    (pattern(rf"{BOUND}(?<!the\x20)(?P<night>tonight|last night)"), _night),
    (
        pattern(
            rf"{BOUND}(?:(?P<on>on|last) )?(?P<day>{'|'.join(WEEKDAYS)}){OF_DAY}", whole=True
        ),
        _weekday,
    ),
    (
        pattern(
            r"(?:on|(?P<bound>before|until|till|since|after)) (?P<day>\d{4}-\d{2}-\d{2})",
        ),
        _iso_date,
    ),
    (
        pattern(
            r"(?:on|(?P<bound>before|until|till|since|after)) (?:the )?"
            rf"(?P<day>\d{{1,2}}){SUFFIX} (?:of )?{MONTH}(?:,? (?P<year>\d{{4}}))?",
            whole=True,
        ),
        _date,
    ),
    (
        pattern(
            r"(?:on|(?P<bound>before|until|till|since|after)) "
            rf"{MONTH} (?:the )?(?P<day>\d{{1,2}}){SUFFIX}(?:,? (?P<year>\d{{4}}))?",
            whole=True,
        ),
        _date,
    ),
    (
        pattern(rf"{BOUND}(?<!the\x20)(?P<which>this|last) (?P<unit>week|month|year)", whole=True),
        _unit,
    ),
)  # fmt: skip
"""How days and spans are said, and what is meant; of two that overlap the one further up."""
