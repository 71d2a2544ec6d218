"""The bag writer: rosbag2's layout, latched topics, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mcap_for_foxglove import check_for_foxglove
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.highlevel import AnyReader
from rosbags.interfaces import QosDurability, QosReliability
from sensor_msgs.msg import Imu

from sage.bags.metadata import QOS_BY_PROFILE, OfferedQos, parse_qos
from sage.bags.reader import open_bag
from sage.bags.writer import BagWriter
from sage_common.core.errors import InvalidInput
from sage_msgs.msg import Utterance

IMU = "sensor_msgs/msg/Imu"
UTTERANCE = "sage_msgs/msg/Utterance"


def write_small(folder: Path, compress: bool = True) -> list[bytes]:
    """A bag of ten Imu and two Utterance messages; the data of the Imu messages."""
    data = []
    with BagWriter(folder, compress) as writer:
        writer.add_topic("/sage/imu/body/data", IMU, QOS_BY_PROFILE["sensor"])
        writer.add_topic("/sage/text", UTTERANCE, QOS_BY_PROFILE["latched"])
        for i in range(10):
            message = Imu()
            message.angular_velocity.x = float(i)
            data.append(serialize_message(message))
            writer.write("/sage/imu/body/data", 1000 + i, data[-1], sent_ns=999 + i)
        for text, time_ns in (("one", 1003), ("two", 1009)):
            writer.write("/sage/text", time_ns, serialize_message(Utterance(text=text)))
    return data


def test_layout_is_that_of_rosbag2(tmp_path: Path) -> None:
    write_small(tmp_path / "walk")
    assert sorted(p.name for p in (tmp_path / "walk").iterdir()) == ["metadata.yaml", "walk_0.mcap"]
    content = yaml.safe_load((tmp_path / "walk" / "metadata.yaml").read_text())
    information = content["rosbag2_bagfile_information"]
    assert information["storage_identifier"] == "mcap"
    assert information["relative_file_paths"] == ["walk_0.mcap"]
    assert information["message_count"] == 12
    assert information["starting_time"]["nanoseconds_since_epoch"] == 1000
    assert information["duration"]["nanoseconds"] == 9
    counts = {
        topic["topic_metadata"]["name"]: topic["message_count"]
        for topic in information["topics_with_message_count"]
    }
    assert counts == {"/sage/imu/body/data": 10, "/sage/text": 2}


@pytest.mark.parametrize("compress", [True, False])
def test_another_reader_reads_it(tmp_path: Path, compress: bool) -> None:
    data = write_small(tmp_path / "walk", compress)
    with AnyReader([tmp_path / "walk"]) as reader:
        imu = [raw for c, _, raw in reader.messages() if c.msgtype == IMU]
        words = [
            reader.deserialize(raw, c.msgtype).text
            for c, _, raw in reader.messages()
            if c.msgtype == UTTERANCE
        ]
        qos = {c.topic: c.ext.offered_qos_profiles[0] for c in reader.connections}
    assert imu == data
    assert words == ["one", "two"]
    assert qos["/sage/text"].durability == QosDurability.TRANSIENT_LOCAL
    assert qos["/sage/text"].reliability == QosReliability.RELIABLE
    assert qos["/sage/imu/body/data"].reliability == QosReliability.RELIABLE


@pytest.mark.parametrize("compress", [True, False])
def test_foxglove_finds_all_that_it_needs(tmp_path: Path, compress: bool) -> None:
    write_small(tmp_path / "walk", compress)
    assert check_for_foxglove(tmp_path / "walk" / "walk_0.mcap") == 2


def test_our_reader_restores_messages_and_qos(tmp_path: Path) -> None:
    data = write_small(tmp_path / "walk")
    bag = open_bag(tmp_path / "walk")
    assert [m.data for m in bag.messages(["/sage/imu/body/data"])] == data
    assert bag.topics["/sage/text"].qos == OfferedQos(reliable=True, latched=True, depth=1)
    last = list(bag.messages())[-1]
    assert (last.time_ns, last.topic) == (1009, "/sage/text")
    assert deserialize_message(last.data, Utterance).text == "two"


def test_existing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"output.*does not exist yet"):
        BagWriter(tmp_path)


def test_wrong_types_are_refused(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        with pytest.raises(InvalidInput, match=r"/odd.*nothing_msgs/msg/Nothing"):
            writer.add_topic("/odd", "nothing_msgs/msg/Nothing", QOS_BY_PROFILE["sensor"])
        writer.add_topic("/imu", IMU, QOS_BY_PROFILE["sensor"])
        with pytest.raises(InvalidInput, match=r"/imu.*sensor_msgs/msg/Imu, as before"):
            writer.add_topic("/imu", UTTERANCE, QOS_BY_PROFILE["sensor"])
        with pytest.raises(KeyError):
            writer.write("/unknown", 0, b"")


def test_equal_content_gives_equal_files(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        write_small(tmp_path / parent / "walk")
    for name in ("walk_0.mcap", "metadata.yaml"):
        first, second = (tmp_path / parent / "walk" / name for parent in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


_KILLED = """
import os, sys
from pathlib import Path
from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.writer import BagWriter
writer = BagWriter(Path(sys.argv[1]))
writer.add_topic("/imu", "sensor_msgs/msg/Imu", QOS_BY_PROFILE["sensor"])
data = bytes(324)
for i in range(5000):
    writer.write("/imu", i, data)
    if i % 100 == 99:
        writer.flush()
    if i == 4950:
        print("ready", flush=True)
        sys.stdin.read()
"""


def test_what_was_flushed_outlives_a_kill(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(tmp_path / "bag")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None and child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    bag = open_bag(tmp_path / "bag")
    assert not bag.complete
    assert "cut off" in bag.state()
    assert bag.count == 4900
    assert [m.time_ns for m in bag.messages()] == list(range(4900))


def test_qos_of_older_bags_is_understood() -> None:
    assert parse_qos("- {history: 1, depth: 3, reliability: 1, durability: 1}") == OfferedQos(
        reliable=True, latched=True, depth=3
    )
    assert parse_qos("") is None
    assert parse_qos("[]") is None
    assert parse_qos("{: [") is None
