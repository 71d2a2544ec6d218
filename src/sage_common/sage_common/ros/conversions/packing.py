"""Messages as part of a node's declared state."""

from __future__ import annotations

from rclpy.serialization import deserialize_message, serialize_message

from sage_common.core.state.packing import Codec, codecs

codecs.append(
    Codec(
        matches=lambda kind: hasattr(kind, "get_fields_and_field_types"),
        to_bytes=lambda message: bytes(serialize_message(message)),
        from_bytes=deserialize_message,
    )
)
