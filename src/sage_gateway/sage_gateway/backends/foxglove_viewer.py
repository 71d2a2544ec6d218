"""One viewer that is connected: what it has subscribed, and what waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from sage_common.core.errors import InvalidInput
from sage_gateway.core import foxglove_protocol as protocol
from sage_gateway.core.outbox import Outbox, Waiting

MOST_WAITING_BYTES = 4 * 1024 * 1024
MOST_WAITING_TEXTS = 64
_POLICY_VIOLATION = 1008


class Viewer:
    """Belongs to the server's event loop.

    Args:
        connection: to it.

    Attributes:
        channels: by its own numbers of subscriptions.
    """

    def __init__(self, connection: ServerConnection) -> None:
        self.channels: dict[int, int] = {}
        self._connection = connection
        self._outbox = Outbox(MOST_WAITING_BYTES)
        self._waits = asyncio.Event()

    def subscribe(self, subscription: int, channel: int) -> None:
        """Begin a subscription.

        Raises:
            InvalidInput: the viewer has one of this number, or of this channel.
        """
        if subscription in self.channels:
            raise InvalidInput("id", subscription, "a number that is not in use")
        if channel in self.channels.values():
            raise InvalidInput("channelId", channel, "a channel that is not subscribed yet")
        self.channels[subscription] = channel

    def unsubscribe(self, subscription: int) -> int | None:
        """End a subscription; its channel, or None if there is none."""
        self._outbox.forget(subscription)
        return self.channels.pop(subscription, None)

    def lose(self, channels: Collection[int]) -> None:
        """Channels have gone."""
        for subscription, channel in list(self.channels.items()):
            if channel in channels:
                self.unsubscribe(subscription)

    def text(self, text: str) -> None:
        """Send a text; who reads none of many loses the connection."""
        self._outbox.put_text(text)
        if self._outbox.texts > MOST_WAITING_TEXTS:
            self._connection.transport.abort()
        self._waits.set()

    def message(self, channel: int, time_ns: int, data: bytes) -> None:
        """Send a message, if it has subscribed the channel."""
        for subscription, subscribed in self.channels.items():
            if subscribed == channel:
                was_slow = self._outbox.dropped > 0
                self._outbox.put(Waiting(subscription, time_ns, data))
                self._waits.set()
                if self._outbox.dropped and not was_slow:
                    words = "this viewer is slower than the graph: messages are left out"
                    self.text(protocol.status(protocol.WARNING, words))

    async def send_all(self) -> None:
        """Send what waits, until the connection ends."""
        try:
            while True:
                await self._waits.wait()
                self._waits.clear()
                while (item := self._outbox.take()) is not None:
                    is_text = isinstance(item, str)
                    await self._connection.send(item if is_text else protocol.message_data(*item))
        except ConnectionClosed:
            return
