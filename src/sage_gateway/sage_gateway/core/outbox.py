"""What waits to be sent to one viewer: bounded, whatever the viewer does."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Waiting(NamedTuple):
    """A message for one subscription, not yet made into a frame: what is dropped is never copied.

    Attributes:
        subscription: the viewer's number.
        time_ns: of its reception [ns].
        data: serialized.
    """

    subscription: int
    time_ns: int
    data: bytes


class Outbox:
    """Texts come first and are never dropped; of messages the oldest make room for the newest.

    Args:
        most_bytes: of messages that wait, the newest apart.

    Attributes:
        dropped: messages that were left out.
    """

    def __init__(self, most_bytes: int) -> None:
        self.dropped = 0
        self._most_bytes = most_bytes
        self._bytes = 0
        self._texts: deque[str] = deque()
        self._messages: deque[Waiting] = deque()

    @property
    def texts(self) -> int:
        """Texts that wait."""
        return len(self._texts)

    def put_text(self, text: str) -> None:
        """Add a text."""
        self._texts.append(text)

    def put(self, message: Waiting) -> None:
        """Add a message."""
        self._messages.append(message)
        self._bytes += len(message.data)
        while self._bytes > self._most_bytes and len(self._messages) > 1:
            self._bytes -= len(self._messages.popleft().data)
            self.dropped += 1

    def forget(self, subscription: int) -> None:
        """Nothing of this subscription is wanted any more."""
        self._messages = deque(m for m in self._messages if m.subscription != subscription)
        self._bytes = sum(len(m.data) for m in self._messages)

    def take(self) -> str | Waiting | None:
        """What is to be sent next; None: nothing waits."""
        if self._texts:
            return self._texts.popleft()
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._bytes -= len(message.data)
        return message
