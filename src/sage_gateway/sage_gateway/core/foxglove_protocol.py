"""Foxglove's websocket protocol, as far as a server that only shows speaks it.

JSON texts, and binary frames of little-endian numbers; the wire form of foxglove-sdk 0.30.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput

SUBPROTOCOLS = ("foxglove.sdk.v1", "foxglove.websocket.v1")
"""A viewer must offer one of these: that of the SDK, or its predecessor. We use what both have."""
WARNING, ERROR = 1, 2
_MESSAGE_DATA = 1
_HEAD = struct.Struct("<BIQ")
_IDS = range(2**32)


@dataclass(frozen=True)
class Channel:
    """A topic as it is offered.

    Attributes:
        id: of the channel, never used again for another.
        topic: full name.
        schema_name: `package/msg/Type`.
        schema: its definition as text, with those that it is made of.
    """

    id: int
    topic: str
    schema_name: str
    schema: str


@dataclass(frozen=True)
class Subscribe:
    """A viewer wants channels: pairs of its own number of the subscription, and the channel."""

    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Unsubscribe:
    """A viewer wants subscriptions no more, by its own numbers."""

    ids: tuple[int, ...]


def server_info(name: str, session: str, distribution: str) -> str:
    """The first text: who this is; that there are no capabilities makes it read-only."""
    return json.dumps(
        {
            "op": "serverInfo",
            "name": name,
            "capabilities": [],
            "supportedEncodings": ["cdr"],
            "metadata": {"ROS_DISTRO": distribution},
            "sessionId": session,
        }
    )


def advertise(channels: Iterable[Channel]) -> str:
    """Channels are offered from now on."""
    offered = [
        {
            "id": channel.id,
            "topic": channel.topic,
            "encoding": "cdr",
            "schemaName": channel.schema_name,
            "schemaEncoding": "ros2msg",
            "schema": channel.schema,
        }
        for channel in channels
    ]
    return json.dumps({"op": "advertise", "channels": offered})


def unadvertise(ids: Iterable[int]) -> str:
    """Channels are offered no more."""
    return json.dumps({"op": "unadvertise", "channelIds": sorted(ids)})


def status(level: int, message: str) -> str:
    """What a viewer shows to the person before it."""
    return json.dumps({"op": "status", "level": level, "message": message})


def message_data(subscription: int, time_ns: int, data: bytes) -> bytes:
    """A message for one subscription, with the time of its reception."""
    return _HEAD.pack(_MESSAGE_DATA, subscription, time_ns) + data


def parse(text: str | bytes) -> Subscribe | Unsubscribe:
    """What a viewer asks for.

    Raises:
        InvalidInput: it is something else; binary frames would publish or call, which none may.
    """
    try:
        asked = {} if isinstance(text, bytes) else json.loads(text)
    except (ValueError, RecursionError):  # the latter: too deep
        asked = {}
    kind = asked.get("op") if isinstance(asked, dict) else None
    if kind == "subscribe":
        pairs = [
            (_id(_field(pair, "id")), _id(_field(pair, "channelId")))
            for pair in _list(asked, "subscriptions")
        ]
        return Subscribe(tuple(pairs))
    if kind == "unsubscribe":
        return Unsubscribe(tuple(_id(number) for number in _list(asked, "subscriptionIds")))
    raise InvalidInput("op", kind, "subscribe or unsubscribe: nothing else is offered here")


def _list(asked: dict[str, object], name: str) -> list[object]:
    value = asked.get(name)
    if not isinstance(value, list):
        raise InvalidInput(name, value, "a list")
    return value


def _field(value: object, name: str) -> object:
    if not isinstance(value, dict) or name not in value:
        raise InvalidInput("subscriptions", value, f"objects with {name}")
    return value[name]


def _id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _IDS:
        raise InvalidInput("id", value, "a number of 32 bits")
    return value
