"""A few seconds of sensor messages, kept as bytes, to be played at any time. No ROS."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from sage_common.core.clock import NS_PER_S

STAMP = slice(4, 12)
"""Where the stamp lies in a message that begins with a header, behind the four bytes that say how
it is encoded."""


@dataclass(frozen=True)
class ClipMessage:
    """One message; `offset_ns`: its stamp, from the begin of the clip."""

    offset_ns: int
    topic: str
    type_name: str
    data: bytes


@dataclass(frozen=True)
class Clip:
    """Messages in order of time, all with a header first, that may be repeated.

    Attributes:
        name: of what was recorded.
        length_ns: after this time the clip begins again.
    """

    name: str
    length_ns: int
    messages: tuple[ClipMessage, ...]

    def played(self, begin_ns: int, end_ns: int) -> Iterator[ClipMessage]:
        """The clip again and again from one time to another; `offset_ns` are times then."""
        start_ns = begin_ns
        while start_ns < end_ns:
            for message in self.messages:
                time_ns = start_ns + message.offset_ns
                if time_ns >= end_ns:
                    return
                data = stamped(message.data, time_ns)
                yield ClipMessage(time_ns, message.topic, message.type_name, data)
            start_ns += self.length_ns


def stamped(data: bytes, time_ns: int) -> bytes:
    """A serialized message whose header has this time."""
    return data[: STAMP.start] + struct.pack("<iI", *divmod(time_ns, NS_PER_S)) + data[STAMP.stop :]
