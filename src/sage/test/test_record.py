"""Recording: what is taken, what is counted, and that a bag is valid however recording ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rclpy
from audio_common_msgs.msg import AudioInfo
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, Imu

from sage.bags.metadata import OfferedQos
from sage.bags.reader import open_bag
from sage.bags.recorder import Recorder
from sage.bags.selection import Selection
from sage.bags.writer import BagWriter
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.qos import PROFILES
from sage_msgs.msg import FusedSalience

IMU = "/sage/imu/body/data"
INFO = "/sage/microphone/front/info"
PATIENCE_S = 30.0
pytestmark = pytest.mark.alone


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def imu(x: float) -> Imu:
    message = Imu()
    message.angular_velocity.x = x
    return message


class Bench:
    """A recorder beside a publishing node."""

    def __init__(self, folder: Path, selection: Selection, use_sim_time: bool = False) -> None:
        self.writer = BagWriter(folder)
        node = rclpy.create_node("recorder")
        self.recorder = Recorder(node, self.writer, selection, use_sim_time)

    def find(self, *names: str) -> None:
        """Discover until these topics are subscribed."""

        def found() -> bool:
            self.recorder.discover()
            return all(name in self.recorder.topics for name in names)

        wait_for(found)

    def take(self, count: int) -> None:
        """Take until there are this many messages in all."""

        def taken() -> bool:
            self.recorder.take()
            return self.recorder.messages >= count

        wait_for(taken)


def test_default_topics_are_taken_as_they_are(node: Node, tmp_path: Path) -> None:
    info = node.create_publisher(AudioInfo, INFO, PROFILES["latched"])
    info.publish(AudioInfo(channels=1, sample_rate=16000))
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    node.create_publisher(Image, "/sage/camera/front/image_raw", PROFILES["sensor"])
    node.create_publisher(Imu, "/other/imu", PROFILES["sensor"])
    bench = Bench(tmp_path / "bag", Selection("/sage"))
    bench.find(INFO, IMU)
    wait_for(readings.get_subscription_count)
    begin_ns = time.time_ns()
    for i in range(50):
        readings.publish(imu(float(i)))
        bench.recorder.take()
    bench.take(51)
    bench.writer.close()

    topics = bench.recorder.topics
    assert sorted(topics) == [IMU, INFO]
    assert (topics[IMU].messages, topics[IMU].lost) == (50, 0)
    bag = open_bag(tmp_path / "bag")
    assert bag.topics[INFO].qos == OfferedQos(reliable=True, latched=True, depth=1)
    messages = list(bag.messages([IMU]))
    values = [deserialize_message(m.data, Imu).angular_velocity.x for m in messages]
    assert values == [float(i) for i in range(50)]
    assert begin_ns <= messages[0].time_ns <= messages[-1].time_ns <= time.time_ns()


def test_lost_messages_are_counted(node: Node, tmp_path: Path) -> None:
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    bench = Bench(tmp_path / "bag", Selection("/sage"))
    bench.find(IMU)
    wait_for(readings.get_subscription_count)
    readings.publish(imu(-1.0))
    bench.take(1)
    # More than the subscription holds: the oldest make room, and nobody takes them meanwhile.
    for i in range(1000):
        readings.publish(imu(float(i)))
        time.sleep(0.0005)
    readings.publish(imu(-2.0))

    def last_came() -> bool:
        bench.recorder.take()
        topic = bench.recorder.topics[IMU]
        return topic.lost is not None and topic.messages + topic.lost == 1002

    wait_for(last_came)
    topic = bench.recorder.topics[IMU]
    assert topic.lost is not None and topic.lost >= 700
    bench.writer.close()


def test_with_two_publishers_losses_cannot_be_told(node: Node, tmp_path: Path) -> None:
    first, second = (node.create_publisher(Imu, IMU, PROFILES["sensor"]) for _ in range(2))
    bench = Bench(tmp_path / "bag", Selection("/sage"))
    bench.find(IMU)
    wait_for(lambda: first.get_subscription_count() and second.get_subscription_count())
    bench.recorder.discover()
    first.publish(imu(1.0))
    second.publish(imu(2.0))
    bench.take(2)
    assert bench.recorder.topics[IMU].lost is None
    bench.writer.close()


def test_simulated_time_stamps_the_messages(node: Node, tmp_path: Path) -> None:
    clock = node.create_publisher(Clock, "/clock", 1)
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    bench = Bench(tmp_path / "bag", Selection("/sage"))
    bench.find(IMU)
    wait_for(lambda: readings.get_subscription_count() and clock.get_subscription_count())
    for second in range(1, 6):
        clock.publish(Clock(clock=to_stamp(second * NS_PER_S)))
        time.sleep(0.1)
        readings.publish(imu(float(second)))
        bench.take(second)
    bench.writer.close()
    times = [m.time_ns for m in open_bag(tmp_path / "bag").messages([IMU])]
    assert times == [second * NS_PER_S for second in range(1, 6)]


def test_before_the_first_simulated_time_nothing_is_stamped_with_another(
    node: Node, tmp_path: Path
) -> None:
    clock = node.create_publisher(Clock, "/clock", 1)
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    bench = Bench(tmp_path / "bag", Selection("/sage"))
    bench.find(IMU)
    wait_for(lambda: readings.get_subscription_count() and clock.get_subscription_count())
    readings.publish(imu(1.0))
    time.sleep(0.1)
    assert bench.recorder.take() == 0
    clock.publish(Clock(clock=to_stamp(7 * NS_PER_S)))
    bench.take(1)
    bench.writer.close()
    assert [m.time_ns for m in open_bag(tmp_path / "bag").messages([IMU])] == [7 * NS_PER_S]


def test_a_graph_of_simulated_time_is_believed_before_its_clock_is_found(
    node: Node, tmp_path: Path
) -> None:
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    bench = Bench(tmp_path / "bag", Selection("/sage"), use_sim_time=True)
    bench.find(IMU)
    wait_for(readings.get_subscription_count)
    readings.publish(imu(1.0))
    time.sleep(0.1)
    assert bench.recorder.take() == 0
    clock = node.create_publisher(Clock, "/clock", 1)
    wait_for(clock.get_subscription_count)
    clock.publish(Clock(clock=to_stamp(7 * NS_PER_S)))
    bench.take(1)
    bench.writer.close()
    assert [m.time_ns for m in open_bag(tmp_path / "bag").messages([IMU])] == [7 * NS_PER_S]


def record(*arguments: str) -> subprocess.Popen[str]:
    """`sage record` in a process of its own."""
    command = "import sys; from sage.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", command, "record", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outputs(child: subprocess.Popen[str]) -> tuple[str, str]:
    """What it wrote to stdout and stderr; it is killed if it does not end."""
    try:
        return child.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        raise


def publish_until(readings: Any, ended: Callable[[], bool]) -> int:
    """Publish at about 200 Hz; how many messages."""
    count = 0
    end = time.monotonic() + PATIENCE_S
    while not ended() and time.monotonic() < end:
        readings.publish(imu(float(count)))
        count += 1
        time.sleep(0.005)
    return count


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_a_valid_bag(node: Node, tmp_path: Path, number: signal.Signals) -> None:
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    child = record("-o", str(tmp_path / "bag"), "--json")
    wait_for(readings.get_subscription_count)
    stop_at = time.monotonic() + 1.0
    publish_until(readings, lambda: time.monotonic() > stop_at)
    child.send_signal(number)
    out, err = outputs(child)
    assert child.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert summary["topics"][IMU]["messages"] > 50
    assert summary["messages"] == open_bag(tmp_path / "bag").count
    assert open_bag(tmp_path / "bag").complete
    assert "no graph runs" in err


def test_a_kill_keeps_what_was_flushed(node: Node, tmp_path: Path) -> None:
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    child = record("-o", str(tmp_path / "bag"))
    wait_for(readings.get_subscription_count)
    stop_at = time.monotonic() + 2.5
    published = publish_until(readings, lambda: time.monotonic() > stop_at)
    child.kill()
    outputs(child)
    bag = open_bag(tmp_path / "bag")
    assert not bag.complete
    assert 0 < bag.count <= published


def test_only_what_is_salient_is_recorded_where_that_is_asked_for(
    node: Node, tmp_path: Path
) -> None:
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    salience = node.create_publisher(FusedSalience, "/sage/salience", PROFILES["standard"])
    words = ["--salient", "--before", "0.2", "--after", "0.1", "--json"]
    child = record("-o", str(tmp_path / "bag"), "--topics", IMU, *words)
    wait_for(lambda: readings.get_subscription_count() and salience.get_subscription_count())
    for per_hour in (3600.0, 10.0, 600.0):
        stop_at = time.monotonic() + 1.0
        publish_until(readings, lambda at=stop_at: time.monotonic() > at)  # type: ignore[misc]
        salience.publish(FusedSalience(alarms_per_hour=per_hour, reason=f"said {per_hour}"))
    child.send_signal(signal.SIGINT)
    out, err = outputs(child)
    assert child.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    (moment,) = summary["salient"]["moments"]
    assert moment["reason"] == "said 10.0"
    bag = open_bag(tmp_path / "bag")
    times = [message.time_ns for message in bag.messages([IMU])]
    assert moment["start_ns"] <= times[0] < moment["peak_ns"] < times[-1] <= moment["end_ns"]
    assert summary["messages"] == bag.count == len(times) + bag.topics["/sage/salience"].count
    assert 0.0 < summary["salient"]["share_of_bytes"] < 0.5


def test_without_salience_nothing_can_be_salient_and_that_is_an_error(
    node: Node, tmp_path: Path
) -> None:
    readings = node.create_publisher(Imu, IMU, PROFILES["sensor"])
    child = record("-o", str(tmp_path / "bag"), "--salient", "--duration", "0.5")
    publish_until(readings, lambda: child.poll() is not None)
    out, _ = outputs(child)
    assert child.returncode == 1
    assert "nobody publishes /sage/salience" in out


def test_how_much_is_around_a_moment_is_asked_for_with_moments_only(tmp_path: Path) -> None:
    child = record("-o", str(tmp_path / "bag"), "--before", "2")
    _, err = outputs(child)
    assert child.returncode == 2 and "before = 2.0: expected --salient, too" in err


def test_duration_and_nothing_to_record(tmp_path: Path) -> None:
    child = record("-o", str(tmp_path / "bag"), "--duration", "0.5", "--topics", "text", "--json")
    out, _ = outputs(child)
    assert child.returncode == 1
    summary = json.loads(out.splitlines()[-1])
    assert (summary["messages"], summary["absent"]) == (0, ["text"])
    assert open_bag(tmp_path / "bag").count == 0
