"""All that is published, as serialized messages, taken only while somebody looks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.definitions import definition
from sage_common.ros.node import SageNode
from sage_common.ros.qos import PROFILES, is_kept
from sage_gateway.core.foxglove_protocol import Channel

_LEFT_OUT = ("sage_msgs/msg/TensorHandle",)  # it names a place in shared memory, and shows nothing


class PublishedTopics:
    """Gives topics the numbers of channels, and subscribes those that are opened.

    Args:
        node: whose subscriptions they are.
        send: given channel, time of reception [ns] and message.

    Attributes:
        open_channels: numbers of those that are subscribed.
    """

    def __init__(self, node: SageNode, send: Callable[[int, int, bytes], None]) -> None:
        self._node, self._send = node, send
        self._channels: dict[tuple[str, str], Channel | None] = {}
        self._ends: dict[int, Callable[[], None]] = {}
        self._kept: dict[int, deque[tuple[int, bytes]]] = {}

    @property
    def open_channels(self) -> set[int]:
        return set(self._ends)

    def channels(self) -> dict[int, Channel]:
        """What is published now; topics of types that are not installed here are left out."""
        found = (self._channel(*item) for item in self._node.published_topics().items())
        return {channel.id: channel for channel in found if channel is not None}

    def open(self, channel: int) -> bool:
        """Subscribe it; False: it is subscribed already."""
        if channel in self._ends:
            return False
        found = next(c for c in self._channels.values() if c is not None and c.id == channel)

        def take(message: bytes) -> None:
            time_ns = self._node.clock.now_ns()
            if channel in self._kept:
                self._kept[channel].append((time_ns, message))
            self._send(channel, time_ns, message)

        with self._node.guard:  # nothing is taken before its place is there
            qos, self._ends[channel] = self._node.subscribe_serialized(
                found.topic, found.schema_name, take
            )
            if is_kept(qos):
                self._kept[channel] = deque(maxlen=PROFILES[qos].depth)
        return True

    def close(self, channel: int) -> None:
        """Take its messages no more."""
        with self._node.guard:
            end = self._ends.pop(channel, None)
            self._kept.pop(channel, None)
        if end is not None:
            end()

    def kept(self, channel: int) -> Sequence[tuple[int, bytes]]:
        """The last messages of an open channel whose last messages are for late subscribers."""
        with self._node.guard:
            return tuple(self._kept.get(channel, ()))

    def _channel(self, topic: str, type_name: str) -> Channel | None:
        key = topic, type_name
        if key not in self._channels:
            self._channels[key] = self._made(topic, type_name, len(self._channels) + 1)
        return self._channels[key]

    def _made(self, topic: str, type_name: str, number: int) -> Channel | None:
        if type_name in _LEFT_OUT:
            return None
        try:
            return Channel(number, topic, type_name, definition(type_name))
        except InvalidInput as fault:
            self._node.log.warning(f"{topic} is not shown: {fault}")
            return None
