"""Which moment is asked about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from sage.recall.question import parse_time
from sage_common.core.clock import NS_PER_S, Clock
from sage_common.core.errors import InvalidInput
from sage_memory.core.identifiers import id_text, parse_id

LATEST_S = 2**31  # ROS stamps end there, in the year 2038
FIELD = "STAMP"
EXPECTED = (
    "an ISO 8601 time, a time of day such as 12:30:05, seconds since the epoch, an age such as 2m, "
    "the id of an experience, or +SECONDS after the start of a bag"
)

_NUMBER = r"\d+(?:\.\d+)?"
_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


class MomentUnknown(Exception):
    """There is nothing to explain: no moment is known near the one that was asked for."""


@dataclass(frozen=True)
class Question:
    """A moment, by one of these; the newest if by none.

    Attributes:
        stamp_ns: time since the epoch [ns]; None: not asked by time.
        after_start_ns: time after the start of a bag [ns]; None: not asked so.
        experience_id: of a kept experience, canonical; empty: not asked so.
    """

    stamp_ns: int | None = None
    after_start_ns: int | None = None
    experience_id: str = ""


def parse_question(text: str, clock: Clock | None = None) -> Question:
    """The moment that STAMP names.

    Raises:
        InvalidInput: it names none.
    """
    if not text:
        return Question()
    if re.fullmatch(_ID, text):
        return Question(experience_id=id_text(parse_id(text, FIELD)))
    if re.fullmatch(rf"\+{_NUMBER}", text):
        return Question(after_start_ns=_nanoseconds(text))
    if re.fullmatch(_NUMBER, text):
        return Question(stamp_ns=_nanoseconds(text))
    try:
        stamp_ns = parse_time(FIELD, text, clock)
    except InvalidInput:
        raise InvalidInput(FIELD, text, EXPECTED) from None
    if not 0 < stamp_ns < LATEST_S * NS_PER_S:
        raise InvalidInput(FIELD, text, "a time from 1970 to 2038")
    return Question(stamp_ns=stamp_ns)


def _nanoseconds(text: str) -> int:
    # Decimal: a float of seconds since the epoch is only good to 200 ns.
    found = int(Decimal(text) * NS_PER_S)
    if found >= LATEST_S * NS_PER_S:
        raise InvalidInput(FIELD, text, f"less than {LATEST_S} s")
    return found
