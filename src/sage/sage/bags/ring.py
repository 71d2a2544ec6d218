"""The last seconds of messages, in memory."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

OVERHEAD_BYTES = 200
"""What a message takes beside its content: the tuple, the object of bytes, and two numbers."""


class Waiting(NamedTuple):
    """A message that may yet be written; see `BagWriter.write`."""

    topic: str
    time_ns: int
    data: bytes
    sent_ns: int | None

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return len(self.data) + OVERHEAD_BYTES


class MessageRing:
    """Keeps messages for some time, within a limit of memory; the oldest make room.

    Args:
        span_ns: how long.
        most_bytes: of memory, all messages together.
    """

    def __init__(self, span_ns: int, most_bytes: int) -> None:
        self._displaced_ns = 0
        self._span_ns = span_ns
        self._most_bytes = most_bytes
        self._held: deque[Waiting] = deque()
        self._bytes = 0

    def add(self, message: Waiting) -> None:
        """Keep a message, the newest of all but for what comes late by less than a second."""
        self._held.append(message)
        self._bytes += message.size_bytes
        while self._held and self._held[0].time_ns < message.time_ns - self._span_ns:
            self._remove_oldest()
        while self._bytes > self._most_bytes:
            self._displaced_ns = max(self._displaced_ns, self._remove_oldest().time_ns)

    def take_all(self) -> list[Waiting]:
        """All messages that are held, in the order in which they came; none is held afterwards."""
        taken = list(self._held)
        self._held.clear()
        self._bytes = self._displaced_ns = 0
        return taken

    def missing_ns(self, since_ns: int) -> int:
        """How much of the time since then had to make room [ns]; 0: nothing since it was empty."""
        return max(0, self._displaced_ns - since_ns)

    def _remove_oldest(self) -> Waiting:
        oldest = self._held.popleft()
        self._bytes -= oldest.size_bytes
        return oldest
