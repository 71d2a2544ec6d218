"""One message and one topic of a bag."""

from __future__ import annotations

from dataclasses import dataclass

from sage.bags.metadata import OfferedQos


@dataclass(frozen=True)
class BagMessage:
    """One message.

    Attributes:
        time_ns: when it was received, the bag's log time [ns].
        topic: full name.
        type_name: `package/msg/Type`.
        data: CDR with its encapsulation header.
    """

    time_ns: int
    topic: str
    type_name: str
    data: bytes


@dataclass(frozen=True)
class BagTopic:
    """One topic.

    Attributes:
        name: full name.
        type_name: `package/msg/Type`.
        count: messages in the bag.
        encoding: `cdr`, or what the bag says.
        qos: as offered when it was recorded; None: the bag does not say.
    """

    name: str
    type_name: str
    count: int
    encoding: str = "cdr"
    qos: OfferedQos | None = None
