"""A question to the memory and its answers, whichever way they travel."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sage_common.core.clock import NS_PER_S, Clock, SystemClock
from sage_common.core.errors import InvalidInput

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Question:
    """What is asked; every condition that is set must hold.

    Attributes:
        text: words; empty: not asked by meaning.
        like: id of an experience; empty: not asked by example.
        start_ns, end_ns: bounds of the time; 0: none.
        min_salience: 0 to 1.
        modality: only this one; empty: all.
        limit: most answers, 1 to 1000.
    """

    text: str = ""
    like: str = ""
    start_ns: int = 0
    end_ns: int = 0
    min_salience: float = 0.0
    modality: str = ""
    limit: int = 5


@dataclass(frozen=True)
class Remembered:
    """One answer, for people and for JSON."""

    id: str
    score: float
    start_ns: int
    modality: str
    source: str
    salience: float
    text: str
    reason: str
    kept_because: str
    payload: str

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON knows it."""
        return asdict(self)


def parse_time(field: str, text: str, clock: Clock | None = None) -> int:
    """Nanoseconds of an ISO 8601 time or of an age such as 10m; 0 for an empty text.

    Raises:
        InvalidInput: it is neither.
    """
    if not text:
        return 0
    age = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if age:
        now_ns = (clock or SystemClock()).now_ns()
        return now_ns - round(float(age[1]) * _UNITS_S[age[2]] * NS_PER_S)
    try:
        return round(datetime.fromisoformat(text).timestamp() * NS_PER_S)
    except ValueError:
        expected = "an ISO 8601 time, or an age such as 30s, 10m, 2h, 3d"
        raise InvalidInput(field, text, expected) from None
