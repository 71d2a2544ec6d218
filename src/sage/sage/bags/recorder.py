"""Records a running graph: finds its topics, takes their messages as they are, writes them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from ament_index_python import PackageNotFoundError
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from sage.bags.metadata import QOS_BY_PROFILE, OfferedQos
from sage.bags.salient_writer import SalientWriter
from sage.bags.selection import Selection
from sage.bags.writer import BagWriter
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.registered_topics import registered_topic
from sage_common.ros.conversions.definitions import register_package, typestore
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.interfaces import interface

# Room for what arrives while a chunk is compressed or the disk is slow.
_DEPTH = 200
_DEPTH_OF_BIG = 10
_BIG = ("sensor_msgs/msg/Image", "sensor_msgs/msg/PointCloud2")


@dataclass
class RecordedTopic:
    """One topic while it is recorded.

    Attributes:
        name, type_name: of the topic.
        messages: taken so far.
        lost: messages missing from the publisher's own numbering; None while several publish,
            because their numbers cannot be told apart.
    """

    name: str
    type_name: str
    subscription: Any
    messages: int = 0
    lost: int | None = 0
    last_number: int = field(default=0, repr=False)

    def count(self, number: int | None) -> None:
        """Count a message with its number as the publisher gave it, from 1."""
        self.messages += 1
        if number is None:
            self.lost = None
        elif self.lost is not None and 0 < self.last_number < number:
            self.lost += number - self.last_number - 1
        self.last_number = number or 0


class Recorder:
    """Takes messages from a node's subscriptions without an executor, and writes them.

    Args:
        node: makes the subscriptions.
        writer: where messages go: all into the bag, or those around salient moments.
        selection: which topics.
        use_sim_time: of the graph, where that is known; otherwise a publisher of /clock tells.

    Messages are stamped with the time of their reception; under simulated time with /clock, whose
    first message those of the other topics wait for.
    """

    def __init__(
        self,
        node: Node,
        writer: BagWriter | SalientWriter,
        selection: Selection,
        use_sim_time: bool = False,
    ) -> None:
        self.topics: dict[str, RecordedTopic] = {}
        self.notes: dict[str, str] = {}
        self._node = node
        self._writer = writer
        self._selection = selection
        self._clock: Any = None
        self._clock_ns = 0
        if use_sim_time:
            self._hear_clock()

    @property
    def messages(self) -> int:
        """Messages taken so far."""
        return sum(topic.messages for topic in self.topics.values())

    def discover(self) -> None:
        """Subscribe topics that are new, and look who publishes the known ones."""
        if self._clock is None and self._node.count_publishers("/clock"):
            self._hear_clock()
        for name, types in sorted(self._node.get_topic_names_and_types()):
            publishers = self._node.count_publishers(name)
            if publishers and name not in self.topics and name not in self.notes:
                self._consider(name, types)
            if publishers > 1 and name in self.topics:
                self.topics[name].lost = None

    def _hear_clock(self) -> None:
        profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._clock = self._node.create_subscription(Clock, "/clock", _ignore, profile)

    def take(self) -> int:
        """Write everything that has arrived; how many messages.

        Raises:
            OSError: the disk is full.
        """
        self._take_clock()
        if self._clock is not None and not self._clock_ns:
            return 0
        before = self.messages
        for topic in self.topics.values():
            # A burst on one topic must not starve the others.
            for _ in range(_DEPTH):
                taken = topic.subscription.handle.take_message(topic.subscription.msg_type, True)
                if taken is None:
                    break
                self._write(topic, *taken)
        return self.messages - before

    def _write(self, topic: RecordedTopic, data: bytes, info: dict[str, Any]) -> None:
        topic.count(info.get("publication_sequence_number"))
        received_ns = info.get("received_timestamp") or time.time_ns()
        time_ns = self._clock_ns or received_ns
        sent_ns = time_ns if self._clock_ns else info.get("source_timestamp") or received_ns
        self._writer.write(topic.name, time_ns, data, sent_ns)

    def _take_clock(self) -> None:
        while self._clock is not None:
            taken = self._clock.handle.take_message(Clock, False)
            if taken is None:
                break
            self._clock_ns = stamp_ns(taken[0].clock)

    def _consider(self, name: str, types: list[str]) -> None:
        if not any(self._selection.takes(name, type_name) for type_name in types):
            return
        if len(types) != 1:
            self.notes[name] = f"has several types: {', '.join(types)}"
            return
        type_name = types[0]
        try:
            message_type = interface(type_name)
            if type_name not in typestore().types:
                register_package(typestore(), type_name.split("/")[0])
            qos = self._offered(name, type_name)
            self._writer.add_topic(name, type_name, qos)
        except (InvalidInput, ImportError, AttributeError, PackageNotFoundError) as error:
            self.notes[name] = f"{type_name} is not installed here ({error})"
            return
        subscription = self._node.create_subscription(
            message_type, name, _ignore, _profile(name, type_name, qos), raw=True
        )
        self.topics[name] = RecordedTopic(name, type_name, subscription)

    def _offered(self, name: str, type_name: str) -> OfferedQos:
        """The registry's profile, else the weakest that the publishers offer."""
        known = registered_topic(name, type_name)
        if known is not None:
            return QOS_BY_PROFILE[known.spec.qos]
        offers = [
            OfferedQos.of_ros(end.qos_profile)
            for end in self._node.get_publishers_info_by_topic(name)
        ]
        return OfferedQos(
            reliable=all(offer.reliable for offer in offers),
            latched=all(offer.latched for offer in offers),
        )


def _profile(name: str, type_name: str, qos: OfferedQos) -> QoSProfile:
    known = registered_topic(name, type_name)
    # As SAGE's nodes: sensor data also from a publisher that offers best effort only.
    if known is not None and known.spec.qos == "sensor":
        qos = replace(qos, reliable=False)
    return replace(qos, depth=_DEPTH_OF_BIG if type_name in _BIG else _DEPTH).as_ros()


def _ignore(message: Any) -> None:
    """Messages are taken by hand; no executor spins this node."""
