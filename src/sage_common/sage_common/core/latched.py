"""What a late subscriber of a topic gets: the newest messages of each of its publishers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Publisher = TypeVar("Publisher", bound=Hashable)
Message = TypeVar("Message")


class LatchedMessages(Generic[Publisher, Message]):
    """Keeps for each publisher as many messages as its QoS depth, as DDS does (transient local)."""

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[Publisher, Message]]] = {}

    def keep(self, topic: str, publisher: Publisher, message: Message, depth: int) -> None:
        """Keep what a publisher sent now, and `depth` of its messages in all."""
        kept = list(self._kept.get(topic, ()))
        own = [index for index, (sender, _) in enumerate(kept) if sender == publisher]
        if len(own) >= depth:
            del kept[own[0]]
        self._kept[topic] = [*kept, (publisher, message)]

    def of_topic(self, topic: str) -> list[Message]:
        """The messages of all its publishers, in the order in which they were sent."""
        return [message for _, message in self._kept.get(topic, ())]

    def forget(self, topic: str, publisher: Publisher) -> None:
        """A publisher has gone, and its messages with it."""
        kept = self._kept.get(topic, ())
        self._kept[topic] = [item for item in kept if item[0] != publisher]

    def state(self) -> list[tuple[str, Publisher, Message]]:
        """Topic, publisher and message of all that is kept, in order within a topic."""
        return [(topic, *item) for topic, kept in self._kept.items() for item in kept]

    def restore(self, state: Iterable[tuple[str, Publisher, Message]]) -> None:
        """Continue from `state()`."""
        self._kept.clear()
        for topic, publisher, message in state:
            self._kept.setdefault(topic, []).append((publisher, message))
