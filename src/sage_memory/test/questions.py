"""Asks questions on a Wednesday in Berlin, where three places and three senses are known."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.recall.query import Query
from sage_memory.core.recall.question.calendar import Calendar
from sage_memory.core.recall.question.reading import Known, Reading, read_words

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 14, 30, tzinfo=BERLIN)  # a Wednesday
KITCHEN = NamedPlace("kitchen", "map", (1.0, -2.0, 0.0), 2.3)
DOOR = NamedPlace("door", "map", (9.0, 2.0, 0.0), 2.0)
FRONT_DOOR = NamedPlace("front door", "map", (5.0, 2.0, 0.0), 2.0)
KNOWN = Known((KITCHEN, DOOR, FRONT_DOOR), {"seen": "vision", "heard": "audio", "said": "language"})
SENSES = [
    ("where did I see a bicycle?", "vision"),
    ("when did you last hear a bell", "audio"),
    ("I heard a bell", "audio"),
    ("what did Anna say about the door", "language"),
    ("what have we seen", "vision"),
    ("was a dog seen", "vision"),
    ("what did I hear Anna say", ""),
    ("did you hear about the accident", ""),
    ("did you see if the door was open", ""),
    ("did I see what I told you", ""),
    ("see you tomorrow", ""),
    ("a seesaw", ""),
    ("the sea as I saw it and heard it", ""),
]


def ns(moment: datetime) -> int:
    return round(moment.timestamp()) * 10**9


def asked(text: str, known: Known = KNOWN, now: datetime = NOW, **conditions) -> Reading:
    calendar = Calendar(ns(now), now.tzinfo)
    return read_words(Query(text=text, **conditions), calendar, known)
