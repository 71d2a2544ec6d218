"""The bag reader: order, damaged files, sqlite3, ROS 1, and clear errors."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.writer import Writer as McapWriter
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.rosbag1 import Writer as Rosbag1Writer
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as Rosbag2Writer
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Imu

from sage.bags.mcap_file import read_mcap
from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.reader import open_bag
from sage.bags.writer import BagWriter
from sage_common.core.errors import InvalidInput

IMU = "sensor_msgs/msg/Imu"
DATA = Path(os.environ.get("SAGE_DATA") or Path(__file__).parents[4] / "shared" / "data")


def imu(x: float) -> bytes:
    message = Imu()
    message.header.frame_id = "imu_link"
    message.angular_velocity.x = float(x)
    return bytes(serialize_message(message))


def write_bag(folder: Path, count: int = 3000) -> None:
    """Two topics, several chunks, times not quite in order, ties between the topics."""
    with BagWriter(folder) as writer:
        for name in ("/b", "/a"):
            writer.add_topic(name, IMU, QOS_BY_PROFILE["sensor"])
        for i in range(count):
            late = 5 if i % 7 == 0 else 0
            for name in ("/b", "/a"):
                writer.write(name, 100 + 10 * i - late, imu(i))
            if i % 500 == 499:
                writer.flush()


def test_order_is_time_then_topic_then_sequence(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag")
    with BagWriter(tmp_path / "ties") as writer:
        for name in ("/b", "/a"):
            writer.add_topic(name, IMU, QOS_BY_PROFILE["sensor"])
        for i in range(20):
            writer.write("/ba"[0] + "ba"[i % 2], 7, imu(i))
            if i % 5 == 0:
                writer.flush()
    times = [(m.time_ns, m.topic) for m in open_bag(tmp_path / "bag").messages()]
    assert len(times) == 6000
    assert times == sorted(times)
    tied = list(open_bag(tmp_path / "ties").messages())
    values = [deserialize_message(m.data, Imu).angular_velocity.x for m in tied]
    assert [m.topic for m in tied] == ["/a"] * 10 + ["/b"] * 10
    assert values == [*map(float, range(1, 20, 2)), *map(float, range(0, 20, 2))]


def test_metadata_needs_no_reading_of_messages(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag")
    bag = open_bag(tmp_path / "bag")
    assert {name: topic.count for name, topic in bag.topics.items()} == {"/a": 3000, "/b": 3000}
    assert (bag.start_ns, bag.end_ns, bag.count, bag.complete) == (95, 30090, 6000, True)


@pytest.mark.parametrize("seed", range(20))
def test_a_cut_off_file_gives_all_before_the_cut(tmp_path: Path, seed: int) -> None:
    write_bag(tmp_path / "bag", 600)
    path = tmp_path / "bag" / "bag_0.mcap"
    (tmp_path / "bag" / "metadata.yaml").unlink()
    whole = list(open_bag(tmp_path / "bag").messages())
    content = path.read_bytes()
    path.write_bytes(content[: random.Random(seed).randrange(9, len(content) - 1)])
    bag = open_bag(tmp_path / "bag")
    assert not bag.complete
    recovered = list(bag.messages())
    assert len(recovered) == bag.count
    assert recovered == whole[: len(recovered)]


def test_a_damaged_chunk_ends_what_is_trusted(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", 1500)
    path = tmp_path / "bag" / "bag_0.mcap"
    second = read_mcap(path).stretches[1]
    content = bytearray(path.read_bytes()[:-100])
    content[second.offset + second.length // 2] ^= 0xFF
    path.write_bytes(content)
    bag = open_bag(tmp_path / "bag")
    assert not bag.complete
    assert bag.count == 1000
    assert sum(1 for _ in bag.messages()) == bag.count


def test_a_file_without_chunks(tmp_path: Path) -> None:
    path = tmp_path / "plain.mcap"
    with path.open("wb") as stream:
        writer = McapWriter(stream, use_chunking=False)
        writer.start("ros2")
        schema = writer.register_schema(IMU, "ros2msg", b"")
        channel = writer.register_channel("/imu", "cdr", schema)
        for i in reversed(range(9000)):
            writer.add_message(channel, i // 2, imu(i), i)
        writer.finish()
    bag = open_bag(path)
    assert (bag.count, bag.start_ns, bag.end_ns, bag.complete) == (9000, 0, 4499, True)
    times = [m.time_ns for m in bag.messages()]
    assert times == sorted(times) and len(times) == 9000


def test_several_files_make_one_bag(tmp_path: Path) -> None:
    folder = tmp_path / "split"
    folder.mkdir()
    for part in range(12):
        name = f"split_{part}"
        with BagWriter(tmp_path / "parts" / name) as writer:
            writer.add_topic("/imu", IMU, QOS_BY_PROFILE["sensor"])
            for i in range(10):
                writer.write("/imu", part * 10 + i, imu(i))
        (tmp_path / "parts" / name / f"{name}_0.mcap").rename(folder / f"{name}.mcap")
    bag = open_bag(folder)
    assert bag.topics["/imu"].count == 120
    assert [m.time_ns for m in bag.messages()] == list(range(120))


def test_sqlite3(tmp_path: Path) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    with Rosbag2Writer(tmp_path / "db", version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connections = [writer.add_connection(n, IMU, typestore=store) for n in ("/b", "/a")]
        for i in range(5):
            for connection in connections:
                writer.write(connection, 100 + i, imu(i))
    for path in (tmp_path / "db", next((tmp_path / "db").glob("*.db3"))):
        bag = open_bag(path)
        assert (bag.count, bag.start_ns, bag.end_ns) == (10, 100, 104)
        messages = list(bag.messages())
        assert [(m.time_ns, m.topic) for m in messages][:3] == [
            (100, "/a"),
            (100, "/b"),
            (101, "/a"),
        ]
        assert deserialize_message(messages[-1].data, Imu).angular_velocity.x == 4.0
    (tmp_path / "db" / "metadata.yaml").unlink()
    assert open_bag(tmp_path / "db").count == 10


def ros1_imu(store: Any, seconds: int) -> bytes:
    types = store.types
    zero = np.zeros(9)
    message = types[IMU](
        types["std_msgs/msg/Header"](
            7, types["builtin_interfaces/msg/Time"](seconds, 5), "imu_link"
        ),
        types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
        zero,
        types["geometry_msgs/msg/Vector3"](1.0, 2.0, 3.0),
        zero,
        types["geometry_msgs/msg/Vector3"](0.0, 0.0, 9.8),
        zero,
    )
    return bytes(store.serialize_ros1(message, IMU))


def test_ros_1_is_converted(tmp_path: Path) -> None:
    store = get_typestore(Stores.ROS1_NOETIC)
    with Rosbag1Writer(tmp_path / "old.bag") as writer:
        connection = writer.add_connection("/imu/data", IMU, typestore=store)
        for i in range(3):
            writer.write(connection, i * 10**9, ros1_imu(store, i))
    bag = open_bag(tmp_path / "old.bag")
    assert bag.topics["/imu/data"].type_name == IMU
    messages = [deserialize_message(m.data, Imu) for m in bag.messages()]
    assert [m.header.stamp.sec for m in messages] == [0, 1, 2]
    assert messages[0].header.frame_id == "imu_link"
    assert messages[0].linear_acceleration.z == 9.8


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none", None, "nothing there; expected a rosbag2 folder"),
        ("walk.mp4", b"x", "a rosbag2 folder, or an .mcap, .db3 or .bag file"),
        ("bad.mcap", b"not an mcap file", "an MCAP file"),
        ("bad.bag", b"#ROSBAG V1.0\n", "a readable bag"),
        ("bad.db3", b"", "a readable bag"),
    ],
)
def test_errors_name_the_path_and_what_was_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, said: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a long path would be cut
    path = Path(name)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((InvalidInput, FileNotFoundError)) as caught:
        open_bag(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_an_empty_folder_is_no_bag(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds no metadata\.yaml"):
        open_bag(tmp_path)


@pytest.mark.skipif(not (DATA / "bags").is_dir(), reason=f"SAGE_DATA: no bags in {DATA}")
@pytest.mark.parametrize(
    ("name", "count", "duration_s"),
    [("gopro_walk_ros2", 2240, 10.5), ("husky_imu_odom_gps.bag", 16806, 395.3)],
)
def test_recorded_bags(name: str, count: int, duration_s: float) -> None:
    bag = open_bag(DATA / "bags" / name)
    assert bag.count == count
    assert bag.duration_s == pytest.approx(duration_s, abs=0.1)
    messages = list(bag.messages())
    assert len(messages) == count
    imus = [m for m in messages if m.type_name == IMU]
    first = deserialize_message(imus[0].data, Imu)
    gravity = np.linalg.norm(
        [first.linear_acceleration.x, first.linear_acceleration.y, first.linear_acceleration.z]
    )
    assert 7.0 < gravity < 12.0
