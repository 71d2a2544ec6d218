"""A sensor with a topic of its own, and what a payload is made of its messages with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.serialization import serialize_message

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.entry_points import load
from sage_common.ros.conversions.definitions import canonical, definition
from sage_common.ros.conversions.stamps import stamp_ns
from sage_memory.backends import payload_encoding
from sage_memory.core.experience import Payload


@dataclass(frozen=True)
class OwnSensor:
    """The sensor of a modality that has a topic of its own.

    Attributes:
        modality: its name.
        topic, type: of its messages.
        payload: `message`, or `module:function` from a message to its payload.
    """

    modality: str
    topic: str
    type: str
    payload: str = "message"

    @classmethod
    def parse(cls, text: str) -> OwnSensor:
        """Of `MODALITY TOPIC TYPE [PAYLOAD]`.

        Raises:
            InvalidInput: it has another form, or the type is not installed.
        """
        parts = text.split()
        if len(parts) not in (3, 4):
            raise InvalidInput("own_sensors", text, "MODALITY TOPIC TYPE [PAYLOAD]")
        definition(parts[2])
        return cls(*parts)

    def encoder(self) -> Callable[[Any], Payload]:
        """What makes a payload of a message; a message is kept as it came if nothing is named.

        Raises:
            InvalidInput: what is named cannot be imported.
        """
        if self.payload == "message":
            return self._as_it_came
        found: Callable[[Any], Payload] = load(self.payload, f"own_sensors {self.modality}")
        return found

    def _as_it_came(self, message: Any) -> Payload:
        data = canonical(serialize_message(message), self.type)
        stamp = stamp_ns(message.header.stamp)
        return payload_encoding.message(self.topic, self.type, stamp, data)
