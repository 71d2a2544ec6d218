"""The encoders of standard robot messages on the lock-step host, and all in one ROS executor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import serialize_message
from robot_messages import (
    battery_state,
    diagnostic_array,
    laser_scan,
    odometry_message,
    point_cloud,
)
from robot_streams import Lidar, S, Scanner, battery_voltage, odometry
from ros_graph import RosGraph
from sensor_msgs.msg import BatteryState, LaserScan, PointCloud2

from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_common.ros.lockstep.snapshot import resume, snapshot_of
from sage_encoders.modalities import PROPRIOCEPTION
from sage_encoders.nodes.robot.battery_encoder_node import BatteryEncoderNode
from sage_encoders.nodes.robot.cloud_encoder_node import PointCloudEncoderNode
from sage_encoders.nodes.robot.diagnostics_encoder_node import DiagnosticsEncoderNode
from sage_encoders.nodes.robot.odometry_encoder_node import OdometryEncoderNode
from sage_encoders.nodes.robot.robot_encoder_node import RobotEncoderNode
from sage_encoders.nodes.robot.scan_encoder_node import LaserScanEncoderNode
from sage_encoders.params import ProprioceptionEncoderParameters
from sage_msgs.msg import Puzzle

Made = Callable[[int, int, np.random.Generator], Any]


def scan(stamp: int, _: int, rng: np.random.Generator) -> LaserScan:
    return laser_scan(stamp, Scanner().scan(rng), Scanner())


def cloud(stamp: int, _: int, rng: np.random.Generator) -> PointCloud2:
    return point_cloud(stamp, Lidar(columns=180).cloud(rng))


def moved(stamp: int, index: int, rng: np.random.Generator) -> Odometry:
    *_, motion = odometry(rng, (index + 1) * 0.1, rate_hz=10.0)
    message = odometry_message(motion)
    message.header.stamp = to_stamp(stamp)
    return message


def charge(stamp: int, _: int, rng: np.random.Generator) -> BatteryState:
    return battery_state(stamp, battery_voltage(rng, 0.8, -2.0))


def health(stamp: int, index: int, _: np.random.Generator) -> DiagnosticArray:
    return diagnostic_array(stamp, base__motor=2 if index > 12 else 0, laser=index % 2)


NODES: dict[str, tuple[type[RobotEncoderNode], Made, int]] = {
    "scan": (LaserScanEncoderNode, scan, 300),
    "cloud": (PointCloudEncoderNode, cloud, 376),
    "odometry": (OdometryEncoderNode, moved, 31),
    "battery": (BatteryEncoderNode, charge, 22),
    "diagnostics": (DiagnosticsEncoderNode, health, 128),
}
every_node = pytest.mark.parametrize("name", NODES)


def broken(name: str, stamp: int) -> tuple[Any, str]:
    """A message that must be refused, and what the log must say of it."""
    rng = np.random.default_rng(0)
    message = NODES[name][1](stamp, 0, rng)
    if name == "scan":
        message.ranges = []
        return message, "ranges"
    if name == "cloud":
        message.fields = message.fields[:2]
        return message, "fields[z] is missing"
    if name == "odometry":
        message.pose.pose.orientation.w = message.pose.pose.orientation.z = 0.0
        return message, "pose.pose.orientation = 'norm 0': expected norm 1"
    if name == "battery":
        message.percentage = 87.0
        return message, "percentage = 87.0: expected 0 to 1, or NaN"
    message.status[0].level = b"\x07"
    return message, "status[0].level = 7: expected 0 (OK), 1 (WARN), 2 (ERROR) or 3 (STALE)"


def send(host: LockstepHost, name: str, message: Any) -> None:
    node_type, _, _ = NODES[name]
    topic = node_type.parameters_type().topic
    stamp = stamp_ns(message.header.stamp)
    host.publish_serialized(stamp, topic, node_type.spec.type, serialize_message(message))


def drive(host: LockstepHost, name: str, first: int, last: int) -> None:
    """Ten messages a second; what the k-th one says depends on k alone."""
    for index in range(first, last):
        stamp = DEFAULT_START_NS + (index + 1) * S // 10
        send(host, name, NODES[name][1](stamp, index, np.random.default_rng(index)))
        host.run_until(stamp)


def test_parameters_are_as_the_spec_says() -> None:
    for node_type, _, _ in NODES.values():
        spec, given = node_type.spec, node_type.parameters_type()
        assert (given.modality, given.topic) == (spec.name, spec.topic)
        assert getattr(given, "rate_hz", spec.rate_hz) == spec.rate_hz
    assert ProprioceptionEncoderParameters().rate_hz == PROPRIOCEPTION.rate_hz


@every_node
def test_a_node_encodes_its_messages(host: LockstepHost, name: str) -> None:
    node_type, _, size = NODES[name]
    host.add(node_type)
    drive(host, name, 0, 20)
    host.run_for(1.0)
    puzzles: list[Puzzle] = host.messages("puzzle", modality=name)
    assert len(puzzles) == round(2 * min(10, node_type.spec.rate_hz))
    for puzzle in puzzles:
        assert puzzle.valid and puzzle.modality == name and puzzle.source == name
        assert int(np.max(puzzle.codes)) in range(1, 10) and len(puzzle.codes) == 900
        assert len(puzzle.embedding) == size and "@" in puzzle.encoder_id
        assert np.linalg.norm(puzzle.embedding) == pytest.approx(1.0, abs=1e-4)
    assert stamp_ns(puzzles[-1].header.stamp) == DEFAULT_START_NS + 20 * S // 10
    sent = NODES[name][1](S, 0, np.random.default_rng(0))
    assert {puzzle.header.frame_id for puzzle in puzzles} == {sent.header.frame_id}


@every_node
def test_a_wrong_message_is_counted_named_and_dropped(host: LockstepHost, name: str) -> None:
    node = host.add(NODES[name][0])
    stamp = DEFAULT_START_NS + S
    message, words = broken(name, stamp)
    host.run_until(stamp - 1)
    send(host, name, message)
    host.run_for(1.1)
    assert not host.messages("puzzle", modality=name)
    assert any(words in line.text for line in host.logs if line.level == "warning")
    health = next(h for h in node._diagnostics.inputs if h.topic == node.parameters.topic)
    assert health.rejected == 1
    send(host, name, NODES[name][1](stamp + 2 * S, 0, np.random.default_rng(0)))
    host.run_for(2.0)
    assert len(host.messages("puzzle", modality=name)) == 1
    assert node.active


@every_node
def test_a_node_goes_on_after_a_cut_and_two_runs_are_the_same(tmp_path: Path, name: str) -> None:
    outputs = []
    for run, cut in enumerate((False, True)):
        host = LockstepHost(home=tmp_path / str(run))
        host.add(NODES[name][0])
        drive(host, name, 0, 13)
        sent = [(item.time_ns, item.topic, item.data) for item in host.outputs]
        if cut:
            snapshot = snapshot_of(host)
            host.close()
            host = LockstepHost(host.clock.now_ns(), home=tmp_path / str(run))
            with host.preparing():
                host.add(NODES[name][0])
                resume(host, snapshot)
            outputs.append(sent)
            sent = []
        drive(host, name, 13, 30)
        host.run_for(1.0)
        outputs.append([(item.time_ns, item.topic, item.data) for item in host.outputs])
        host.close()
    whole, before, after = outputs
    assert before + after == whole


def test_parts_of_sage_itself_are_left_out(host: LockstepHost) -> None:
    node = host.add(DiagnosticsEncoderNode, parameters={"ignored": ["/sage/", "noise"]})
    stamp = DEFAULT_START_NS + S
    mine = diagnostic_array(stamp, __sage__fusion=2, noise_1=2)
    send(host, "diagnostics", mine)
    host.run_for(2.0)
    assert not host.messages("puzzle", modality="diagnostics")
    assert not [line for line in host.logs if line.level == "warning"]
    robots = diagnostic_array(stamp + S, "synthetic/arm", __sage__fusion=2, arm=1)
    send(host, "diagnostics", robots)
    send(host, "diagnostics", diagnostic_array(stamp + S + 1, __sage__fusion=2))
    host.run_for(2.0)
    (puzzle,) = host.messages("puzzle", modality="diagnostics")
    assert puzzle.text == "WARN of arm: level 1" and node._collector.parts == 1
    assert puzzle.header.frame_id == "synthetic/arm"
    assert puzzle.source == "synthetic:diagnostics"


@pytest.mark.parametrize(
    ("frame_id", "axes", "is_optical"),
    [
        ("camera_depth_optical_frame", "auto", True),
        ("front/depth_optical", "auto", True),
        ("lidar", "auto", False),
        ("optical_lidar_frame", "auto", False),
        ("lidar", "optical", True),
        ("camera_depth_optical_frame", "body", False),
    ],
)
def test_axes_of_a_camera_are_told_by_the_frame(
    host: LockstepHost, frame_id: str, axes: str, is_optical: bool
) -> None:
    host.add(PointCloudEncoderNode, parameters={"axes": axes})
    ahead = np.array([[0.0, 0.0, 2.0] if is_optical else [2.0, 0.0, 0.0]], np.float32)
    send(host, "cloud", point_cloud(DEFAULT_START_NS + S, ahead, frame_id))
    host.run_for(2.0)
    (puzzle,) = host.messages("puzzle", modality="cloud")
    ((row, column),) = np.argwhere(np.reshape(puzzle.codes, (30, 30)))
    assert row in (14, 15) and column in (14, 15)


def test_another_name_for_a_second_scanner(host: LockstepHost) -> None:
    host.add(LaserScanEncoderNode, "rear", {"modality": "rear_scan", "topic": "/rear/scan"})
    message = scan(DEFAULT_START_NS + S, 0, np.random.default_rng(0))
    data = serialize_message(message)
    host.publish_serialized(DEFAULT_START_NS + S, "/rear/scan", "sensor_msgs/msg/LaserScan", data)
    host.run_for(2.0)
    (puzzle,) = host.messages("puzzle", modality="rear_scan")
    assert puzzle.modality == puzzle.source == "rear_scan"


TYPES: dict[str, type] = {
    "scan": LaserScan,
    "cloud": PointCloud2,
    "odometry": Odometry,
    "battery": BatteryState,
    "diagnostics": DiagnosticArray,
}


class Robot:
    """Sends every message ten times a second from a node."""

    def __init__(self, node: Node) -> None:
        self._outputs = {
            name: node.create_publisher(
                TYPES[name],
                node_type.parameters_type().topic,
                10 if node_type.qos == "standard" else qos_profile_sensor_data,
            )
            for name, (node_type, _, _) in NODES.items()
        }
        self._clock = node.get_clock()
        self._rng = np.random.default_rng(0)
        self._ticks = 0
        node.create_timer(0.1, self._send)

    def _send(self) -> None:
        now_ns = self._clock.now().nanoseconds
        for name, output in self._outputs.items():
            output.publish(NODES[name][1](now_ns, self._ticks % 20, self._rng))
        self._ticks += 1


def test_all_in_one_executor_constructed_driven_destroyed(ros_graph: RosGraph) -> None:
    for node_type, _, _ in NODES.values():
        ros_graph.start(node_type)
    puzzles = {name: ros_graph.hear(Puzzle, f"{name}/puzzle") for name in NODES}
    Robot(ros_graph.outside)
    ros_graph.until(lambda: all(len(kept) >= 2 for kept in puzzles.values()))
    for name, kept in puzzles.items():
        assert all(message.valid and message.modality == name for message in kept)
        assert all(message.encode_ms > 0.0 for message in kept)
    for host in tuple(ros_graph.hosts):
        ros_graph.stop(host)
        assert not host.node.active
