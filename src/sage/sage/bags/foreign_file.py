"""Reads bags that are not plain MCAP through rosbags: sqlite3, compressed ones, and ROS 1."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection, ConnectionExtRosbag2, Qos, QosDurability, QosReliability
from rosbags.serde import SerdeError

from sage.bags.message import BagMessage, BagTopic
from sage.bags.metadata import OfferedQos
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.definitions import typestore


class ForeignFile:
    """A bag that rosbags reads; messages of ROS 1 are converted to CDR.

    Args:
        path: folder or file of the bag.

    Raises:
        InvalidInput: rosbags cannot read it.
    """

    complete = True

    def __init__(self, path: Path) -> None:
        self.path = path
        with _opened(self.path) as reader:
            self._topics = [
                BagTopic(name, info.msgtype or "", info.msgcount, qos=_qos(info.connections))
                for name, info in sorted(reader.topics.items())
            ]
            times = (reader.start_time, reader.end_time - 1) if reader.message_count else (0, 0)
            self.start_ns, self.end_ns = times

    def topics(self) -> list[BagTopic]:
        """Topics by name."""
        return self._topics

    def messages(self, topics: Sequence[str] | None) -> Iterator[BagMessage]:
        """Messages in the order of (time, topic, place in the bag).

        Messages of ROS 1 whose type does not exist in ROS 2 are left out.

        Raises:
            InvalidInput: a message does not have the form of its type.
        """
        with _opened(self.path) as reader:
            wanted = [c for c in reader.connections if topics is None or c.topic in topics]
            if not reader.is2:
                wanted = [c for c in wanted if c.msgtype in typestore().types]
            if not wanted:
                return
            in_time = (
                BagMessage(
                    time_ns,
                    connection.topic,
                    connection.msgtype,
                    raw if reader.is2 else _converted(connection, raw),
                )
                for connection, time_ns, raw in reader.messages(wanted)
            )
            for _, together in itertools.groupby(in_time, key=lambda message: message.time_ns):
                yield from sorted(together, key=lambda message: message.topic)


def _converted(connection: Connection, raw: bytes) -> bytes:
    """A message of ROS 1 as CDR."""
    try:
        return bytes(typestore().ros1_to_cdr(raw, connection.msgtype))
    except SerdeError as error:
        expected = f"the fields of {connection.msgtype} in ROS 2"
        raise InvalidInput(connection.topic, str(error), expected) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[AnyReader]:
    with contextlib.ExitStack() as stack:
        try:
            reader = AnyReader([path], default_typestore=typestore())
            stack.enter_context(reader)
        except (AnyReaderError, FileNotFoundError) as error:
            raise InvalidInput("bag", str(path), f"a readable bag ({error})") from error
        yield reader


def _qos(connections: Sequence[object]) -> OfferedQos | None:
    for connection in connections:
        ext = getattr(connection, "ext", None)
        if isinstance(ext, ConnectionExtRosbag2) and ext.offered_qos_profiles:
            return _offered(ext.offered_qos_profiles[0])
        latching = getattr(ext, "latching", None)
        if latching:
            return OfferedQos(latched=True, depth=1)
    return None


def _offered(qos: Qos) -> OfferedQos:
    return OfferedQos(
        reliable=qos.reliability == QosReliability.RELIABLE,
        latched=qos.durability == QosDurability.TRANSIENT_LOCAL,
        depth=max(qos.depth, 1),
    )
