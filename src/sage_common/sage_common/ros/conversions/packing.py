"""Messages as arrays, for what a node writes down of the present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message

from sage_common.core.sections import Arrays, blob_arrays, blobs_of, json_array, json_of


def packed_messages(messages: Mapping[str, Any]) -> Arrays:
    """Messages by name, in their order; those that are None are left out."""
    present = {name: item for name, item in messages.items() if item is not None}
    blobs = [bytes(serialize_message(item)) for item in present.values()]
    return {"names": json_array(list(present)), **blob_arrays(blobs)}


def unpacked_messages(state: Arrays, message_type: type) -> dict[str, Any]:
    """What `packed_messages` packed."""
    named = zip(json_of(state["names"]), blobs_of(state), strict=True)
    return {name: deserialize_message(blob, message_type) for name, blob in named}
