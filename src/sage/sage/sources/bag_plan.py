"""From a bag to a graph: which topics are played, under which names, into which sensor nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message

from sage.bags.message import BagMessage, BagTopic
from sage.bags.metadata import QOS_BY_PROFILE, OfferedQos
from sage.bags.reader import Bag, open_bag
from sage.bags.stamps import has_header, with_header_stamp
from sage.sources.sensor_plan import SensorNode, SensorPlan
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import STREAMS, ModalitySpec, modalities
from sage_common.core.specs.registered_topics import RegisteredTopic, registered_topic
from sage_common.ros.interfaces import interface
from sage_common.ros.latest import serialized_stamp_ns

AUDIO = "audio_common_msgs/msg/AudioDataStamped"
AUDIO_INFO = "audio_common_msgs/msg/AudioInfo"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
IMAGE = "sensor_msgs/msg/Image"
IMU = "sensor_msgs/msg/Imu"
JOINTS = "sensor_msgs/msg/JointState"
# Frames go through a camera node, which must not hear itself.
REPLAYED = "replay"
# Stamps further from the time of reception than nodes accept are moved.
LATEST_NS, EARLIEST_NS = NS_PER_S // 2, -5 * NS_PER_S
# Messages looked at to find the stamps of every topic.
LONGEST_GAP_NS = 24 * 3600 * NS_PER_S
PROBED = 4000
# Topics that an error names.
MOST_LISTED = 5


@dataclass(frozen=True)
class Route:
    """One topic of a bag that is played.

    Attributes:
        source: its name in the bag.
        target: its name in the graph, absolute.
        type_name: `package/msg/Type`.
        qos: how it is offered.
        shift_ns: added to header stamps [ns]; None: stamps are set to the time of reception.
    """

    source: str
    target: str
    type_name: str
    qos: OfferedQos
    shift_ns: int | None = 0

    def moved(self, message: BagMessage, later_ns: int = 0) -> bytes:
        """The message's data, its stamp corrected, and `later_ns` later than in the bag.

        Raises:
            InvalidInput: it is too short for a stamp.
        """
        if not has_header(self.type_name) or (self.shift_ns == 0 and later_ns == 0):
            return message.data
        try:
            stamp_ns = serialized_stamp_ns(message.data)
        except InvalidInput as error:
            raise InvalidInput(message.topic, len(message.data), "a whole message") from error
        moved_ns = message.time_ns if self.shift_ns is None else stamp_ns + self.shift_ns
        return with_header_stamp(message.data, moved_ns + later_ns)


@dataclass(frozen=True)
class BagPlan:
    """How a bag is played.

    Attributes:
        bag: what is played.
        routes: by topic of the bag.
        sensors: nodes that the graph needs for it.
    """

    bag: Bag
    routes: Mapping[str, Route]
    sensors: SensorPlan

    def messages(self) -> Iterator[tuple[BagMessage, Route]]:
        """What is played, in order.

        Raises:
            InvalidInput: between two messages lies more than a day, which would be waited for.
        """
        before_ns = self.bag.start_ns
        for message in self.bag.messages(tuple(self.routes)):
            if message.time_ns - before_ns > LONGEST_GAP_NS:
                gap_h = (message.time_ns - before_ns) / NS_PER_S / 3600
                expected = f"no gap of more than a day; {gap_h:.0f} h lie before {message.topic}"
                raise InvalidInput("bag", str(self.bag.path), f"{expected}: written by two clocks?")
            before_ns = message.time_ns
            yield message, self.routes[message.topic]


def plan_bag(path: Path, namespace: str, own: Sequence[ModalitySpec] = ()) -> SensorPlan:
    """The sensor nodes for playing a bag; see `plan_playing`."""
    return plan_playing(path, namespace, own).sensors


def plan_playing(path: Path, namespace: str, own: Sequence[ModalitySpec] = ()) -> BagPlan:
    """How a bag is played into the graph of a namespace.

    Topics of SAGE are played under their own names in `namespace`. Of other cameras, microphones
    and IMUs the one with the most messages goes through a sensor node with backend topic. Of
    modalities in `own`, which come from none of these, the sensor's topic is played under its own
    name, or their puzzles, where the bag has only these.

    Raises:
        InvalidInput: it is not a bag, or nothing in it is a sensor.
        FileNotFoundError: there is nothing at this path.
    """
    bag = open_bag(path)
    builder = _Builder(bag, namespace.rstrip("/"))
    builder.camera()
    builder.microphone()
    builder.imu()
    builder.joints()
    builder.words()
    builder.vectors()
    for modality in own:
        builder.own(modality)
    unknown = builder.unknown([modality.name for modality in own])
    if not builder.routes:
        expected = f"camera, microphone, IMU, text or vector topics, not {_listed(bag)}"
        raise InvalidInput("bag", str(path), "; ".join([expected, *unknown]))
    builder.notes += unknown
    routes, notes = _with_shifts(bag, builder.routes)
    if not bag.complete:
        notes = [bag.state(), *notes]
    notes = [*notes, *builder.notes]
    sensors = SensorPlan(
        tuple(builder.nodes),
        builder.backends,
        tuple(notes),
        tuple(builder.warnings),
        builder.lacking,
    )
    return BagPlan(bag, routes, sensors)


def _listed(bag: Bag) -> str:
    """The topics of a bag in words, the first few of them by name."""
    found = [f"{topic.name} ({topic.type_name})" for topic in bag.topics.values()]
    more = len(found) - MOST_LISTED
    listed = found[:MOST_LISTED] + ([f"{more} more"] if more > 0 else [])
    return ", ".join(listed) or "no topics"


class _Builder:
    """Collects routes and nodes, one stream after the other."""

    def __init__(self, bag: Bag, namespace: str) -> None:
        self.routes: dict[str, Route] = {}
        self.nodes: list[SensorNode] = []
        self.backends: dict[str, str] = dict.fromkeys(STREAMS, "absent")
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.lacking: dict[str, str] = {}
        self._bag = bag
        self._namespace = namespace
        self._topics = [t for t in bag.topics.values() if t.count and t.encoding == "cdr"]
        self._ours: dict[str, RegisteredTopic] = {}
        for topic in self._topics:
            known = registered_topic(topic.name, topic.type_name)
            if known is not None:
                self._ours[topic.name] = known

    def camera(self) -> None:
        """Frames go through a camera node, which decodes them and publishes camera_info."""
        ours = self._registered("camera/image_raw") + self._registered("camera/compressed")
        if ours:
            topic = self._most(ours, "camera")
            target = f"{self._namespace}/{REPLAYED}/{self._ours[topic.name].relative_name()}"
        else:
            pictures = [t for t in self._foreign(COMPRESSED, IMAGE) if self._in_colour(t)]
            if not pictures:
                return
            topic = self._most(pictures, "camera")
            target = topic.name
            if topic.type_name == COMPRESSED and not target.endswith("compressed"):
                target += "/compressed"
        self._play(topic, target, "camera")
        self.nodes.append(SensorNode("camera", "camera", {"backend": "topic", "topic": target}))

    def microphone(self) -> None:
        """Sound of SAGE is played as it is; other sound is brought to 16 kHz by a node."""
        if self._play_ours("microphone/audio", "front", "microphone"):
            self._play_ours("microphone/info", "front")
            return
        foreign = self._foreign(AUDIO)
        if not foreign:
            return
        topic = self._most(foreign, "microphone")
        parameters = {"backend": "topic", "topic": topic.name, **self._sound_format(topic)}
        self._play(topic, topic.name, "microphone")
        self.nodes.append(SensorNode("microphone", "microphone", parameters))

    def imu(self) -> None:
        """Readings of SAGE are played as they are; a node adds orientation to others."""
        if self._play_ours("imu/data", "body", "imu"):
            return
        foreign = self._foreign(IMU)
        if not foreign:
            return
        topic = self._most(foreign, "imu")
        self._play(topic, topic.name, "imu")
        self.nodes.append(SensorNode("imu", "imu", {"backend": "topic", "topic": topic.name}))

    def joints(self) -> None:
        """Joint states have one form and one name."""
        topics = self._registered("joint_states") or self._foreign(JOINTS)
        if topics:
            topic = self._most(topics, "joint states")
            self._play(topic, f"{self._namespace}/joint_states")

    def words(self) -> None:
        """Utterances, judgements of outcomes, and where the robot was."""
        self._play_ours("text", "", "text")
        self._play_ours("outcome", "")
        self._play_ours("pose", "")

    def vectors(self) -> None:
        """Streams of bare vectors, every one under its own name."""
        for topic in self._registered("vector"):
            self._play(topic, f"{self._namespace}/{self._ours[topic.name].relative_name()}")

    def own(self, modality: ModalitySpec) -> None:
        """A modality that is not of SAGE's own sensors: its sensor's topic, else its puzzles."""
        sensors = [t for t in self._topics if modality.topic and t.name == modality.topic]
        for topic in sensors:
            if topic.type_name == modality.type:
                self._play(topic, topic.name, modality.name)
                return
            self.warnings.append(f"{topic.name} is of {topic.type_name}, not {modality.type}")
        puzzles = self._registered("puzzle")
        for topic in puzzles:
            if self._ours[topic.name].names["modality"] == modality.name:
                self._play(topic, f"{self._namespace}/{modality.name}/puzzle", modality.name)
                return
        wanted = [modality.topic] if modality.topic else []
        wanted.append(f"{modality.name}/puzzle")
        self.backends[modality.name] = "absent"
        self.lacking[modality.name] = f"{modality.name}: the bag has no {' and no '.join(wanted)}"

    def unknown(self, own: Iterable[str]) -> list[str]:
        """Modalities of which the bag has puzzles and that nothing here declares, a line each."""
        named = {self._ours[topic.name].names["modality"] for topic in self._registered("puzzle")}
        return [
            f"the bag has puzzles of modality {name}, which no installed package encodes and no "
            f"parameter file names under graph: modalities"
            for name in sorted(named - modalities().specs.keys() - set(own))
        ]

    def _play_ours(self, key: str, usual: str, stream: str = "") -> bool:
        """Play a registered topic; the usual name of its sensor is preferred, and given to it."""
        topics = self._registered(key)
        if not topics:
            return False
        same = [t for t in topics if self._ours[t.name].names.get("name", usual) == usual]
        topic = (same or [self._most(topics, stream or key)])[0]
        name = self._ours[topic.name].spec.name.format(name=usual)
        self._play(topic, f"{self._namespace}/{name}", stream)
        return True

    def _play(self, topic: BagTopic, target: str, stream: str = "") -> None:
        if topic.outdated:
            defined = f"another version of SAGE, which defined {topic.type_name} otherwise"
            self.warnings.append(f"{topic.name} is left out: recorded by {defined}")
            return
        known = registered_topic(target, topic.type_name)
        usual = QOS_BY_PROFILE[known.spec.qos] if known else OfferedQos(depth=10)
        self.routes[topic.name] = Route(topic.name, target, topic.type_name, usual)
        if stream:
            self.backends[stream] = f"bag:{topic.name}"

    def _registered(self, key: str) -> list[BagTopic]:
        return [t for t in self._topics if t.name in self._ours and self._key(t) == key]

    def _key(self, topic: BagTopic) -> str:
        return self._ours[topic.name].spec.key

    def _foreign(self, *type_names: str) -> list[BagTopic]:
        return [t for t in self._topics if t.type_name in type_names and t.name not in self._ours]

    def _most(self, topics: list[BagTopic], stream: str) -> BagTopic:
        """The topic with the most messages; which others were left aside is noted."""
        best = max(topics, key=lambda topic: topic.count)
        others = [topic.name for topic in topics if topic is not best]
        if others:
            self.notes.append(f"{stream}: {best.name} is played, {', '.join(others)} not")
        return best

    def _in_colour(self, topic: BagTopic) -> bool:
        """False for depth images: vision works on what a camera sees."""
        if topic.type_name != IMAGE:
            return "depth" not in topic.name.lower()
        first = self._first(topic)
        return first is not None and first.encoding not in ("16UC1", "32FC1")

    def _sound_format(self, topic: BagTopic) -> dict[str, Any]:
        """Parameters of the microphone node, from the AudioInfo beside a foreign topic."""
        parent = topic.name.rpartition("/")[0]
        for other in self._topics:
            if other.type_name == AUDIO_INFO and other.name.rpartition("/")[0] == parent:
                info = self._first(other)
                return {
                    "topic_sample_rate_hz": info.sample_rate,
                    "topic_sample_format": info.sample_format,
                    "topic_channels": info.channels,
                }
        self.notes.append(f"{topic.name}: no AudioInfo beside it; taken for 16 kHz mono F32LE")
        return {}

    def _first(self, topic: BagTopic) -> Any:
        for message in self._bag.messages([topic.name]):
            return deserialize_message(message.data, interface(topic.type_name))
        return None


def _with_shifts(bag: Bag, routes: dict[str, Route]) -> tuple[dict[str, Route], list[str]]:
    """Routes that fix stamps which nodes would refuse; what was corrected, in words."""
    offsets_ns = _stamp_offsets(bag, routes)
    wrong = {n: o for n, o in offsets_ns.items() if not EARLIEST_NS <= o <= LATEST_NS}
    if not wrong:
        return routes, []
    # One shift for all, where it fits, keeps the sensors in step with each other.
    common_ns = -next(iter(wrong.values()))
    notes = []
    corrected = dict(routes)
    for name, route in routes.items():
        offset_ns = offsets_ns.get(name, -common_ns)
        if name in offsets_ns and name not in wrong:
            continue
        if EARLIEST_NS <= offset_ns + common_ns <= LATEST_NS:
            corrected[name] = replace(route, shift_ns=common_ns)
        else:
            corrected[name] = replace(route, shift_ns=None)
        if name in wrong:
            notes.append(
                f"{name}: stamps lie {offset_ns / NS_PER_S:+.1f} s from reception; they are moved"
            )
    return corrected, notes


def _stamp_offsets(bag: Bag, routes: Mapping[str, Route]) -> dict[str, int]:
    """Stamp minus time of reception of the first message of each topic with a header [ns]."""
    names = [name for name, route in routes.items() if has_header(route.type_name)]
    offsets: dict[str, int] = {}
    for number, message in enumerate(bag.messages(names)):
        if message.topic not in offsets:
            try:
                stamp_ns = serialized_stamp_ns(message.data)
            except InvalidInput as error:
                raise InvalidInput(message.topic, len(message.data), "a whole message") from error
            offsets[message.topic] = stamp_ns - message.time_ns
        if len(offsets) == len(names) or number >= PROBED:
            break
    return offsets
