"""Which topics of a bag are played, under which names, with which stamps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image, Imu, JointState
from std_msgs.msg import Float32MultiArray, String

from sage.bags.metadata import QOS_BY_PROFILE, OfferedQos
from sage.bags.selection import Selection
from sage.bags.stamps import has_header, with_header_stamp
from sage.bags.writer import BagWriter
from sage.sources.bag_plan import plan_playing
from sage.sources.planning import plan_sensors
from sage.sources.sensor_plan import SensorNode
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.specs.registered_topics import registered_topic
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.latest import serialized_stamp_ns
from sage_msgs.msg import Puzzle, Utterance

START_NS = 1_600_000_000 * NS_PER_S
PACKAGES = {
    AudioDataStamped: "audio_common_msgs",
    AudioInfo: "audio_common_msgs",
    Float32MultiArray: "std_msgs",
    String: "std_msgs",
    Puzzle: "sage_msgs",
    Utterance: "sage_msgs",
}


def write(
    folder: Path, topics: dict[str, list[Any]], stamps_ns: dict[str, int] | None = None
) -> Path:
    """A bag of one message every 10 ms; stamps are the log time plus `stamps_ns`."""
    with BagWriter(folder) as writer:
        for name, messages in topics.items():
            kind = type(messages[0])
            type_name = f"{PACKAGES.get(kind, 'sensor_msgs')}/msg/{kind.__name__}"
            writer.add_topic(name, type_name, QOS_BY_PROFILE["standard"])
            for i, message in enumerate(messages):
                time_ns = START_NS + i * 10_000_000
                if hasattr(message, "header"):
                    offset_ns = (stamps_ns or {}).get(name, 0)
                    message.header.stamp = to_stamp(time_ns + offset_ns)
                writer.write(name, time_ns, serialize_message(message))
    return folder


def test_a_bag_of_two_clocks_is_refused_where_they_meet(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        writer.add_topic("/imu", "sensor_msgs/msg/Imu", QOS_BY_PROFILE["standard"])
        for time_ns in (START_NS, START_NS + 1, START_NS + 48 * 3600 * 10**9):
            message = Imu()
            message.header.stamp = to_stamp(time_ns)
            writer.write("/imu", time_ns, serialize_message(message))
    played = plan_playing(tmp_path / "bag", "/sage").messages()
    assert next(played)[0].time_ns == START_NS and next(played)[0].time_ns == START_NS + 1
    with pytest.raises(InvalidInput, match="48 h lie before /imu: written by two clocks"):
        next(played)


def test_a_bag_of_sage_plays_its_sensors_and_nothing_derived(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "bag",
        {
            "/sage/camera/front/image_raw/compressed": [CompressedImage(format="jpeg")],
            "/sage/microphone/front/audio": [AudioDataStamped()],
            "/sage/microphone/front/info": [AudioInfo()],
            "/sage/imu/body/data": [Imu()],
            "/sage/text": [Utterance(text="hello")],
            "/sage/vector/current": [Float32MultiArray(data=[0.1])],
            "/sage/vector/heat": [Float32MultiArray(data=[0.2])],
            "/sage/vision/puzzle": [Puzzle()],
        },
    )
    plan = plan_playing(folder, "/robot")
    topic = "/robot/replay/camera/front/image_raw/compressed"
    assert {route.source: route.target for route in plan.routes.values()} == {
        "/sage/camera/front/image_raw/compressed": topic,
        "/sage/microphone/front/audio": "/robot/microphone/front/audio",
        "/sage/microphone/front/info": "/robot/microphone/front/info",
        "/sage/imu/body/data": "/robot/imu/body/data",
        "/sage/text": "/robot/text",
        "/sage/vector/current": "/robot/vector/current",
        "/sage/vector/heat": "/robot/vector/heat",
    }
    assert plan.sensors.nodes == (
        SensorNode("camera", "camera", {"backend": "topic", "topic": topic}),
    )
    assert plan.routes["/sage/microphone/front/info"].qos.latched
    assert plan.routes["/sage/imu/body/data"].qos == OfferedQos(True, False, 5)
    assert plan.sensors.backends["text"] == "bag:/sage/text"
    assert plan.sensors.notes == ()


def test_foreign_topics_go_through_sensor_nodes(tmp_path: Path) -> None:
    info = AudioInfo(channels=2, sample_rate=44100, sample_format="S16LE")
    folder = write(
        tmp_path / "bag",
        {
            "/cam/color": [CompressedImage(format="jpeg"), CompressedImage(format="jpeg")],
            "/cam/depth": [Image(encoding="16UC1"), Image(encoding="16UC1"), Image()],
            "/mic/audio": [AudioDataStamped()],
            "/mic/info": [info],
            "/imu/few": [Imu()],
            "/imu/many": [Imu(), Imu()],
            "/arm/states": [JointState()],
            "/chatter": [String(data="x")],
        },
    )
    plan = plan_playing(folder, "/sage")
    nodes = {node.kind: node.parameters for node in plan.sensors.nodes}
    assert nodes["camera"] == {"backend": "topic", "topic": "/cam/color/compressed"}
    assert nodes["imu"] == {"backend": "topic", "topic": "/imu/many"}
    assert nodes["microphone"] == {
        "backend": "topic",
        "topic": "/mic/audio",
        "topic_sample_rate_hz": 44100,
        "topic_sample_format": "S16LE",
        "topic_channels": 2,
    }
    assert {route.source: route.target for route in plan.routes.values()} == {
        "/cam/color": "/cam/color/compressed",
        "/mic/audio": "/mic/audio",
        "/imu/many": "/imu/many",
        "/arm/states": "/sage/joint_states",
    }
    assert any("/imu/many is played, /imu/few not" in note for note in plan.sensors.notes)
    assert plan_sensors(str(folder), "auto", "/sage", True).nodes == plan.sensors.nodes


def test_a_sensor_of_another_name_gets_the_usual_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "bag", {"/other/imu/torso/data": [Imu()]})
    route = plan_playing(folder, "/sage").routes["/other/imu/torso/data"]
    assert route.target == "/sage/imu/body/data"


def test_a_bag_without_sensors_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "bag", {"/chatter": [String(data="x")]})
    with pytest.raises(InvalidInput, match=r"IMU, text or vector topics, not /chatter"):
        plan_playing(folder, "/sage")


def test_puzzles_of_a_modality_that_nothing_declares_are_named(tmp_path: Path) -> None:
    said = "the bag has puzzles of modality bumper, which no installed package encodes"
    topics = {f"/bumper/scan_{i}": [String(data="x")] for i in range(9)}
    topics["/sage/bumper/puzzle"] = [Puzzle(modality="bumper")]
    with pytest.raises(InvalidInput, match=said) as refused:
        plan_playing(write(tmp_path / "alone", topics), "/sage")
    assert "scan_4" in str(refused.value) and "scan_5" not in str(refused.value)
    assert "5 more; the bag" in str(refused.value)
    plan = plan_playing(write(tmp_path / "beside", {**topics, "/imu": [Imu()]}), "/sage")
    assert any(note.startswith(said) for note in plan.sensors.notes)
    own = (ModalitySpec("bumper"),)
    plan = plan_playing(tmp_path / "alone", "/sage", own)
    assert plan.sensors.notes == () and "/sage/bumper/puzzle" in plan.routes


def test_good_stamps_stay(tmp_path: Path) -> None:
    folder = write(tmp_path / "bag", {"/imu": [Imu(), Imu()]}, stamps_ns={"/imu": -300_000_000})
    plan = plan_playing(folder, "/sage")
    for message, route in plan.messages():
        assert route.moved(message) == message.data
    assert plan.sensors.notes == ()


def test_wrong_stamps_are_moved_together(tmp_path: Path) -> None:
    year_ns = 365 * 86400 * NS_PER_S
    folder = write(
        tmp_path / "bag",
        {"/imu": [Imu(), Imu()], "/cam/compressed": [CompressedImage(format="jpeg")]},
        stamps_ns={"/imu": -year_ns, "/cam/compressed": -year_ns - 40_000_000},
    )
    plan = plan_playing(folder, "/sage")
    stamps = {}
    for message, route in plan.messages():
        stamps.setdefault(message.topic, []).append(
            serialized_stamp_ns(route.moved(message)) - message.time_ns
        )
    # Whichever is first is moved to its time of reception; 40 ms remain between the two.
    assert set(stamps["/imu"]) in ({0}, {40_000_000})
    assert stamps["/imu"][0] - stamps["/cam/compressed"][0] == 40_000_000
    assert any("/imu: stamps lie -31536000.0 s from reception" in n for n in plan.sensors.notes)


def test_a_later_pass_moves_times_and_stamps(tmp_path: Path) -> None:
    folder = write(tmp_path / "bag", {"/imu": [Imu()]})
    message, route = next(plan_playing(folder, "/sage").messages())
    later = deserialize_message(route.moved(message, 7 * NS_PER_S), Imu)
    assert stamp_ns(later.header.stamp) == START_NS + 7 * NS_PER_S


def test_stamps_in_serialized_messages() -> None:
    message = Utterance(text="hello", speaker="me")
    message.header.stamp = to_stamp(12_000_000_345)
    data = serialize_message(message)
    assert serialized_stamp_ns(data) == 12_000_000_345
    moved = deserialize_message(with_header_stamp(data, 99_000_000_001), Utterance)
    assert stamp_ns(moved.header.stamp) == 99_000_000_001
    assert (moved.text, moved.speaker) == ("hello", "me")
    assert serialized_stamp_ns(with_header_stamp(data, -5)) == 0
    assert has_header("sensor_msgs/msg/Imu")
    assert not has_header("audio_common_msgs/msg/AudioInfo")
    assert not has_header("nothing_msgs/msg/Nothing")


def test_registered_names() -> None:
    found = registered_topic("/a/b/camera/left/image_raw", "sensor_msgs/msg/Image")
    assert found is not None
    assert (found.spec.key, found.namespace, found.names) == (
        "camera/image_raw", "/a/b", {"name": "left"},
    )  # fmt: skip
    assert found.relative_name() == "camera/left/image_raw"
    assert registered_topic("/sage/salience", "sage_msgs/msg/FusedSalience").spec.key == (
        "fused_salience"
    )
    assert registered_topic("/sage/imu/body/data", "std_msgs/msg/String") is None
    assert registered_topic("/a/text", "sage_msgs/msg/Utterance", "/sage") is None


def test_selection() -> None:
    usual = Selection("/sage")
    assert usual.takes("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
    assert usual.takes("/sage/vision/puzzle", "sage_msgs/msg/Puzzle")
    assert usual.takes("/sage/camera/left/image_raw/compressed", "sensor_msgs/msg/CompressedImage")
    assert not usual.takes("/sage/camera/left/image_raw", "sensor_msgs/msg/Image")
    assert not usual.takes("/other/vision/puzzle", "sage_msgs/msg/Puzzle")
    assert Selection("/sage", everything=True).takes("/rosout", "rcl_interfaces/msg/Log")
    assert not Selection("/sage", everything=True).takes(
        "/sage/orchestrator/refine/_action/status", "action_msgs/msg/GoalStatusArray"
    )
    named = Selection("/sage", patterns=("*/puzzle", "/cmd_vel"))
    assert named.takes("/sage/audio/puzzle", "sage_msgs/msg/Puzzle")
    assert not named.takes("/sage/salience", "sage_msgs/msg/FusedSalience")
    assert named.missing(["/sage/audio/puzzle"]) == ["/cmd_vel"]
