"""One message and one topic of a bag."""

from __future__ import annotations

from dataclasses import dataclass

from sage.bags.metadata import OfferedQos
from sage_common.ros.conversions.definitions import typestore

OWN_TYPES = "sage_msgs/"


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
        type_hash: RIHS01 of its type then; empty: the bag does not say.
    """

    name: str
    type_name: str
    count: int
    encoding: str = "cdr"
    qos: OfferedQos | None = None
    type_hash: str = ""

    @property
    def outdated(self) -> bool:
        """True if another version of SAGE recorded it, which defined its type otherwise.

        Its messages cannot be read by today's definition.
        """
        if not (self.type_hash and self.type_name.startswith(OWN_TYPES)):
            return False
        store = typestore()
        known = self.type_name in store.types
        return not known or store.hash_rihs01(self.type_name) != self.type_hash
