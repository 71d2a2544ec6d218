"""Words that a run recognised, which are published as an utterance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.errors import InvalidInput

LONGEST = 4096


@dataclass(frozen=True)
class RecognisedWords:
    """What was read or heard.

    Attributes:
        text: not empty, at most 4096 characters.
        confidence: that it is right, [0, 1].
        end_ns: when they ended; None: with the percept.
    """

    text: str
    confidence: float
    end_ns: int | None = None


def recognised_words(result: Mapping[str, Any]) -> RecognisedWords | None:
    """The `words` of a result, [text, confidence], maybe with an end_ns; None if it has none.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if "words" not in result:
        return None
    given = result["words"]
    if not isinstance(given, list) or len(given) not in (2, 3):
        raise InvalidInput("words", given, "[text, confidence] or [text, confidence, end_ns]")
    text, confidence, *ends = given
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST or "\0" in text:
        expected = f"1 to {LONGEST} characters, none of them null"
        raise InvalidInput("words[0]", text, expected)
    number = isinstance(confidence, int | float) and math.isfinite(confidence)
    if not number or not 0.0 <= confidence <= 1.0:
        raise InvalidInput("words[1]", confidence, "a confidence in [0, 1]")
    if any(type(end_ns) is not int or end_ns < 0 for end_ns in ends):
        raise InvalidInput("words[2]", ends[0], "nanoseconds, a whole number")
    return RecognisedWords(text, float(confidence), *ends)
