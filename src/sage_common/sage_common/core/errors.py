"""Errors that name the field at fault."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_WORDS = 1024
_CUT = " ..."


class InvalidInput(ValueError):
    """A value from outside that must not be used.

    Attributes:
        field: name of the field at fault, dotted for nested ones.
        value: what it held.
        expected: what would have been right, in words.
    """

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field = field
        self.value = value
        self.expected = expected
        super().__init__(f"{field} = {shorten(value)}: expected {expected}")


class MissingInput(InvalidInput):
    """A value from outside that must be there and is not; `value` is None."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(field, None, expected)
        self.args = (f"{field} is missing: expected {expected}",)


def shorten(value: object) -> str:
    """The representation of a value, cut to 80 characters, for one log line."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def words_of(error: BaseException) -> str:
    """What a stranger's error says: one line of at most 1024 characters that can be printed.

    What would steer a terminal is escaped.
    """
    try:
        said = str(error)
    except (Exception, SystemExit) as another:  # noqa: BLE001 - a stranger's may raise, too
        said = f"its words cannot be had ({type(another).__name__})"
    line = " ".join(said[:LONGEST_WORDS].split())
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    if len(said) <= LONGEST_WORDS >= len(text):
        return text
    return text[: LONGEST_WORDS - len(_CUT)] + _CUT


def nearest_name(name: str, known: Iterable[str], least: float = 0.0) -> str:
    """The one of `known` that is most like `name`, for a hint; empty if there is none.

    Args:
        least: how like it has to be, from 0 (anything) to 1 (the same).
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=least)
    return found[0] if found else ""


class CannotContinue(RuntimeError):
    """A graph that cannot be suspended now and resumed later; the message says why."""
