"""A question to the memory and its answers, whichever way they travel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S, Clock, SystemClock
from sage_common.core.errors import InvalidInput, shorten
from sage_memory.core.experience import MAX_STAMP_NS
from sage_memory.core.identifiers import parse_id
from sage_memory.core.recall.query import MAX_LIMIT

_TIME_OF_DAY = r"\d{2}:\d{2}:\d{2}(?:\.\d{3})?"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Sound:
    """Mono samples, float32 [n] in [-1, 1], and how many there are a second."""

    samples: NDArray[np.float32]
    rate_hz: int


@dataclass(frozen=True)
class Spot:
    """A place to look around: frame, x, y, z [m] (a z of NaN: any height), and how far [m]."""

    frame: str
    x: float
    y: float
    z: float
    within_m: float


@dataclass(frozen=True)
class Question:
    """What is asked; every condition that is set must hold.

    Attributes:
        text: words; empty: not asked by meaning.
        like: id of an experience; empty: not asked by example.
        image: RGB picture, uint8 [h, w, 3], or None.
        sound: or None.
        puzzle: uint8 [30, 30], each 0..9, or None.
        spot: where; None: anywhere.
        start_ns, end_ns: bounds of the time; 0: none.
        min_salience: 0 to 1.
        modality, source, entity, device: only this one; empty: all.
        limit: most answers, 1 to 1000.
        declined: also say what came close and was declined.
        literal: no filters are made of what the words say of when and where.
    """

    text: str = ""
    like: str = ""
    image: NDArray[np.uint8] | None = None
    sound: Sound | None = None
    puzzle: NDArray[np.uint8] | None = None
    spot: Spot | None = None
    start_ns: int = 0
    end_ns: int = 0
    min_salience: float = 0.0
    modality: str = ""
    source: str = ""
    entity: str = ""
    device: str = ""
    limit: int = 5
    declined: bool = False
    literal: bool = False


@dataclass(frozen=True)
class Remembered:
    """One answer, for people and for JSON.

    Attributes:
        place: frame, x, y, z; None where it is not known.
        dimensions: surprise, novelty, arousal, reward, conflict.
        covers: moments that this summary stands for; 0: a moment itself.
        payload: path of its file; empty if there is none.
        sha256, media_type: of the payload; empty if none was kept.
    """

    id: str
    score: float
    start_ns: int
    end_ns: int
    modality: str
    source: str
    entity: str
    device: str
    salience: float
    dimensions: dict[str, float]
    place: dict[str, Any] | None
    text: str
    reason: str
    kept_because: str
    encoder: str
    covers: int
    pinned: bool
    payload: str
    sha256: str
    media_type: str


@dataclass(frozen=True)
class Reply:
    """Answers, best first; `ID: reason` of what was declined; what else is to be known."""

    answers: tuple[Remembered, ...]
    declined: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def checked(question: Question) -> Question:
    """The question itself, proven before it is asked either way, so that both refuse alike.

    Its times and its place are proven where they are parsed: there it is known what was typed.

    Raises:
        InvalidInput: names the option at fault, its value, and what was expected.
    """
    for name in ("text", "like", "modality", "source", "entity", "device"):
        check_text(name, getattr(question, name))
    if question.like:
        parse_id(question.like, "like")
    if not 1 <= question.limit <= MAX_LIMIT:
        raise InvalidInput("limit", question.limit, f"1 to {MAX_LIMIT}")
    if not 0.0 <= question.min_salience <= 1.0:  # nor is NaN
        raise InvalidInput("min-salience", question.min_salience, "a number from 0 to 1")
    if question.image is not None and question.sound is not None:
        raise InvalidInput("sound", "beside image", "only one of them")
    if question.spot is not None:
        check_text("place", question.spot.frame)
    return question


def check_text(field: str, text: str) -> None:
    """Prove that a text can be sent and stored.

    Raises:
        InvalidInput: it came from bytes that are no UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(field, text, "valid UTF-8") from None


def parse_time(field: str, text: str, clock: Clock | None = None) -> int:
    """Nanoseconds of an ISO 8601 time or of an age such as 10m; 0 for an empty text.

    A time of day, as `sage status` shows it, is the last such time.

    Raises:
        InvalidInput: it is neither.
    """
    if not text:
        return 0
    age = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    now_ns = (clock or SystemClock()).now_ns()
    try:
        if age:
            return now_ns - round(float(age[1]) * _UNITS_S[age[2]] * NS_PER_S)
        if re.fullmatch(_TIME_OF_DAY, text):
            return _last(time.fromisoformat(text), now_ns)
        return round(datetime.fromisoformat(text).timestamp() * NS_PER_S)
    except (ValueError, OverflowError):
        expected = "an ISO 8601 time, a time of day such as 12:30:05, or an age: 30s, 10m, 2h, 3d"
        raise InvalidInput(field, text, expected) from None


def _last(wanted: time, now_ns: int) -> int:
    """When it was this time of day last [ns]."""
    now = datetime.fromtimestamp(now_ns / NS_PER_S)
    found = datetime.combine(now.date(), wanted)
    if found > now:
        found -= timedelta(days=1)
    return round(found.timestamp() * NS_PER_S)


def parse_span(since: str, until: str) -> tuple[int, int]:
    """The bounds of the time in nanoseconds, each as `parse_time` has it; 0: none.

    Raises:
        InvalidInput: one is no time, cannot be stored, or the first is after the second.
    """
    clock = SystemClock()
    span = parse_time("since", since, clock), parse_time("until", until, clock)
    for name, text, stamp_ns in zip(("since", "until"), (since, until), span, strict=True):
        if not 0 <= stamp_ns <= MAX_STAMP_NS:
            raise InvalidInput(name, text, "a time from 1970 to 2262")
    if 0 < span[1] < span[0]:
        raise InvalidInput("since", since, f"a time that is not after until = {shorten(until)}")
    return span


def parse_spot(text: str, within_m: float | None) -> Spot | None:
    """The place in FRAME,X,Y or FRAME,X,Y,Z; None for an empty text.

    Raises:
        InvalidInput: it is none, or the distance is missing, or given without a place.
    """
    if not text:
        if within_m is not None:
            raise InvalidInput("within", within_m, "--place, too")
        return None
    parts = text.split(",")
    expected = "FRAME,X,Y or FRAME,X,Y,Z in metres, for instance map,1.5,-2"
    if len(parts) not in (3, 4) or not parts[0]:
        raise InvalidInput("place", text, expected)
    try:
        numbers = [float(part) for part in parts[1:]]
    except ValueError:
        raise InvalidInput("place", text, expected) from None
    if not np.isfinite(numbers).all():
        raise InvalidInput("place", text, expected)
    if within_m is None:
        raise InvalidInput("within", "", "metres beside --place, for instance 2.5")
    if not (np.isfinite(within_m) and within_m > 0.0):
        raise InvalidInput("within", within_m, "metres greater than 0")
    z = numbers[2] if len(numbers) == 3 else float("nan")
    return Spot(parts[0], numbers[0], numbers[1], z, within_m)
