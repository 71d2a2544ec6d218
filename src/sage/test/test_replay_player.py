"""The player: everything in order and at its time, /clock with it, and a graph that hears it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import rclpy
from ament_index_python import PackageNotFoundError
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.writer import BagWriter
from sage.run.process_commands import executable
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.qos import PROFILES

IMU = "/sage/imu/body/data"
START_NS = 1_600_000_000 * NS_PER_S
COUNT = 100
STEP_NS = 10_000_000
PATIENCE_S = 60.0


def write_bag(folder: Path, cut: frozenset[int] = frozenset()) -> Path:
    """One second of IMU readings, 100 a second; of those in `cut` six bytes."""
    with BagWriter(folder) as writer:
        writer.add_topic(IMU, "sensor_msgs/msg/Imu", QOS_BY_PROFILE["standard"])
        for i in range(COUNT):
            message = Imu()
            message.header.stamp = to_stamp(START_NS + i * STEP_NS)
            message.angular_velocity.x = float(i)
            data = serialize_message(message)
            writer.write(IMU, START_NS + i * STEP_NS, data[:6] if i in cut else data)
    return folder


class Listener:
    """Hears the readings and the clock."""

    def __init__(self, node: Node) -> None:
        self.readings: list[Imu] = []
        self.clocks_ns: list[int] = []
        self._node = node
        node.create_subscription(Imu, IMU, self.readings.append, PROFILES["sensor"])
        newest = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        node.create_subscription(Clock, "/clock", self._on_clock, newest)

    def _on_clock(self, message: Clock) -> None:
        self.clocks_ns.append(stamp_ns(message.clock))

    def listen(self, child: subprocess.Popen[str], enough: int) -> None:
        """Until the player has ended, or this many readings have come."""
        end = time.monotonic() + PATIENCE_S
        while child.poll() is None and len(self.readings) < enough:
            rclpy.spin_once(self._node, timeout_sec=0.05)
            assert time.monotonic() < end, "the player does not end"


def player(*arguments: str, errors: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sage.replay.player", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def summary_of(child: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = child.communicate()
    assert child.returncode == 0
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_a_bag_is_played_once_in_order_with_its_clock(node: Node, tmp_path: Path) -> None:
    listener = Listener(node)
    child = player(str(write_bag(tmp_path / "bag")), "--rate", "2")
    listener.listen(child, 10 * COUNT)
    summary = summary_of(child)
    assert (summary["messages"], summary["passes"]) == (COUNT, 1)
    assert set(summary["late_ms"]) == {"p50", "p99", "max"}
    heard = [r.angular_velocity.x for r in listener.readings]
    assert heard == sorted(heard) and len(heard) > COUNT // 2
    stamps = [stamp_ns(r.header.stamp) for r in listener.readings]
    assert set(stamps) <= {START_NS + i * STEP_NS for i in range(COUNT)}
    assert listener.clocks_ns == sorted(listener.clocks_ns)
    assert listener.clocks_ns[0] == START_NS
    assert listener.clocks_ns[-1] >= START_NS + COUNT * STEP_NS


def test_what_cannot_be_read_is_left_out_and_counted(node: Node, tmp_path: Path) -> None:
    listener = Listener(node)
    bag = write_bag(tmp_path / "bag", cut=frozenset({3, 50}))
    # A second pass is later than the bag: every stamp is moved, and so read.
    child = player(str(bag), "--rate", "4", "--loop", errors=subprocess.PIPE)
    listener.listen(child, 2 * COUNT)
    child.send_signal(signal.SIGTERM)
    out, errors = child.communicate()
    assert child.returncode == 0
    summary = json.loads(out.splitlines()[-1])
    assert summary["unreadable"][IMU] >= 2 and summary["error"] == ""
    assert f"left out: {IMU} = 6: expected a whole message" in errors
    assert errors.count("left out") == 1, "one line a topic"


def test_a_loop_goes_on_in_time_until_it_is_ended(node: Node, tmp_path: Path) -> None:
    listener = Listener(node)
    child = player(str(write_bag(tmp_path / "bag")), "--rate", "4", "--loop")
    listener.listen(child, 2 * COUNT + COUNT // 2)
    child.send_signal(signal.SIGTERM)
    assert summary_of(child)["passes"] >= 2
    stamps = [stamp_ns(r.header.stamp) for r in listener.readings]
    assert stamps == sorted(stamps)
    assert stamps[-1] > START_NS + 2 * COUNT * STEP_NS


def test_the_graph_hears_a_bag(tmp_path: Path) -> None:
    try:
        executable("sage_common", "container")
    except (PackageNotFoundError, FileNotFoundError) as error:
        pytest.skip(f"the packages are not installed: {error}")
    command = "import sys; from sage.cli import main; sys.exit(main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", command, "replay", str(write_bag(tmp_path / "bag")), "--json",
         "--home", str(tmp_path / "home")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["replay"]["messages"] == COUNT
    assert summary["replay"]["passes"] == 1
    assert summary["puzzles"]["proprioception"] > 0
    assert summary["fused"]["n"] > 0
    assert summary["backends"]["imu"] == f"bag:{IMU}"
    assert summary["backends"]["camera"] == "absent"


def test_the_player_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    bag = str(write_bag(tmp_path / "bag"))
    command = (
        "import os, subprocess, sys\n"
        "os.environ['SAGE_PARENT_PID'] = str(os.getpid())\n"
        "child = subprocess.Popen([sys.executable, '-m', 'sage.replay.player', sys.argv[1],"
        " '--loop', '--wait-for', '/nobody'], stdout=subprocess.DEVNULL, start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", command, bag],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    time.sleep(1.0)
    starter.kill()
    starter.wait()
    end = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{pid}").exists() and not is_zombie(pid):
        assert time.monotonic() < end, "the player goes on"
        time.sleep(0.05)


def is_zombie(pid: int) -> bool:
    """Ended, but nobody has asked for its exit status: as pid 1 of a container may not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
