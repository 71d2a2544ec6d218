"""Reads one mapping of a file key by key, so that whatever is wrong is named by its place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sage_common.core.errors import InvalidInput, MissingInput, nearest_name


class Fields:
    """The keys of a mapping; each is asked for once, and `done` refuses those that nobody knows.

    Args:
        where: place of the mapping, dotted; empty: the file itself.
        content: what stands there.

    Raises:
        InvalidInput: it is no mapping.
    """

    def __init__(self, where: str, content: object) -> None:
        if not isinstance(content, Mapping):
            raise InvalidInput(where or "composition", content, "a mapping of keys")
        self.where = where
        self._content = content
        self._known: set[str] = set()

    def place(self, key: str) -> str:
        """What a key is called in an error."""
        return f"{self.where}.{key}" if self.where else key

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._known.add(key)
        return key in self._content

    def raw(self, key: str) -> Any:
        """The value of a key that must be there."""
        if not self.has(key):
            raise MissingInput(self.place(key), "a value")
        return self._content[key]

    def text(self, key: str, default: str | None = None) -> str:
        """One line of words, not empty unless that is the default."""
        if default is not None and not self.has(key):
            return default
        value = self.raw(key)
        if not isinstance(value, str) or not value.strip():
            raise InvalidInput(self.place(key), value, "text")
        return " ".join(value.split())

    def texts(self, key: str) -> tuple[str, ...]:
        """One text, or a list of them, at least one."""
        value = self.raw(key)
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(item, str) and item for item in values):
            raise InvalidInput(self.place(key), value, "a text, or a list of texts")
        return tuple(values)

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A finite number within bounds."""
        if default is not None and not self.has(key):
            return default
        value = self.raw(key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            raise InvalidInput(self.place(key), value, f"a number from {low:g} to {high:g}")
        return float(value)

    def flag(self, key: str) -> bool:
        """True or false; false where it is not said."""
        value = self.raw(key) if self.has(key) else False
        if not isinstance(value, bool):
            raise InvalidInput(self.place(key), value, "true or false")
        return value

    def part(self, key: str) -> Fields | None:
        """The mapping of a key; None: it is not there."""
        return Fields(self.place(key), self.raw(key)) if self.has(key) else None

    def done(self) -> None:
        """All keys have been asked for.

        Raises:
            InvalidInput: there are others.
        """
        for key, value in self._content.items():
            if key not in self._known:
                nearest = nearest_name(str(key), self._known, 0.6)
                hint = f"{nearest}?" if nearest else ", ".join(sorted(self._known))
                raise InvalidInput(self.place(str(key)), value, f"no such key; {hint}")
