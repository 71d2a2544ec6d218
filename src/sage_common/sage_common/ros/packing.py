"""Messages as bytes, for what a node writes down of the present."""

from __future__ import annotations

from typing import Any

from rclpy.serialization import deserialize_message, serialize_message


def message_blob(message: Any | None) -> bytes:
    """A message, serialized; empty for None."""
    return b"" if message is None else bytes(serialize_message(message))


def message_of(blob: bytes, message_type: type) -> Any | None:
    """What `message_blob` packed."""
    return deserialize_message(blob, message_type) if blob else None
