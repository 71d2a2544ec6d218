"""What a plugin says: its answer, its telemetry and its words, checked where they are taken."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from sage_common.core.errors import InvalidInput

LONGEST_SUMMARY = 4096
MOST_LABELS = 64
LONGEST_LABEL = 256
MOST_BYTES = 262_144
"""A look has a picture and six embeddings, about 75 kB; only a job by hand is given all of it."""
MOST_DETAILS = 64
LONGEST_DETAIL = 1024


def checked_result(result: object) -> dict[str, Any]:
    """A plugin's answer, as `Plugin.result` describes it; a copy that nobody else changes.

    Raises:
        InvalidInput: it holds what JSON or UTF-8 has not, or more than is allowed.
    """
    if not isinstance(result, Mapping):
        raise InvalidInput("result", result, "a mapping of names to values that JSON has")
    try:
        encoded = json.dumps(dict(result), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        expected = f"values that JSON and UTF-8 have ({type(error).__name__}: {error})"
        raise InvalidInput("result", result, expected) from error
    if len(encoded) > MOST_BYTES:
        given = f"{len(encoded)} bytes"
        raise InvalidInput("result", given, f"at most {MOST_BYTES} bytes as JSON in UTF-8")
    copy: dict[str, Any] = json.loads(encoded)
    _check_text("summary", copy.get("summary", ""), LONGEST_SUMMARY)
    labels = copy.get("labels", [])
    if not isinstance(labels, list):
        raise InvalidInput("labels", labels, "a list of words")
    if len(labels) > MOST_LABELS:
        raise InvalidInput("labels", f"{len(labels)} labels", f"at most {MOST_LABELS}")
    for number, label in enumerate(labels):
        _check_text(f"labels[{number}]", label, LONGEST_LABEL)
    return copy


def checked_details(details: object) -> dict[str, Any]:
    """A plugin's own telemetry, if JSON has it and it is scalars only.

    Raises:
        InvalidInput: a value is no finite number, no text of at most 1024 characters and not true
            or false, a name is no text of at most 256 characters, or there are more than 64.
    """
    if not isinstance(details, Mapping):
        raise InvalidInput("details", details, "a mapping of names to scalars")
    if len(details) > MOST_DETAILS:
        raise InvalidInput("details", f"{len(details)} of them", f"at most {MOST_DETAILS}")
    for name, value in details.items():
        if not (isinstance(name, str) and len(name) <= LONGEST_LABEL):
            raise InvalidInput("details", name, f"names of at most {LONGEST_LABEL} characters")
        is_text = isinstance(value, str) and len(value) <= LONGEST_DETAIL
        if not (is_text or _is_finite(value)):
            expected = f"a finite number or text of at most {LONGEST_DETAIL} characters"
            raise InvalidInput(f"details.{name}", value, expected)
    return dict(details)


def _is_finite(value: object) -> bool:
    """Whether it is a number that a double has."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def checked_reason(reason: object) -> str:
    """Why a plugin halts, in words; empty: it goes on.

    Raises:
        InvalidInput: it is no text of at most 1024 characters that UTF-8 has.
    """
    return _check_text("halt", reason, LONGEST_DETAIL)


def _check_text(field: str, text: object, longest: int) -> str:
    """Check text that goes into a message, which ends where it holds a null character."""
    if not isinstance(text, str) or len(text) > longest or "\0" in text:
        expected = f"text of at most {longest} characters without null characters"
        raise InvalidInput(field, text, expected)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(field, text, f"text that UTF-8 has ({error})") from error
    return text
