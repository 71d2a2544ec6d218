"""Counting distinct ids of which only recent ones come again."""

from __future__ import annotations

REMEMBERED = 4096


class RecentIds:
    """Counts ids; one of the last 4,096 that comes again counts once."""

    def __init__(self) -> None:
        self.count = 0
        self._newer: set[str] = set()
        self._older: set[str] = set()

    @property
    def remembered(self) -> int:
        """Ids that are held; at most 8,192."""
        return len(self._newer) + len(self._older)

    def add(self, identifier: str) -> None:
        """Count an id unless it is remembered."""
        if identifier in self._newer or identifier in self._older:
            return
        if len(self._newer) >= REMEMBERED:
            self._newer, self._older = set(), self._newer
        self._newer.add(identifier)
        self.count += 1
