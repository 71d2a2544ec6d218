"""The memory node on the real ROS host: percept in, experience out, recalled by its service."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "74")
rclpy = pytest.importorskip("rclpy")

import node_inputs as inputs  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
from rclpy.lifecycle import TransitionCallbackReturn  # noqa: E402
from rclpy.task import Future  # noqa: E402
from sqlalchemy import event  # noqa: E402
from sqlalchemy.pool import Pool  # noqa: E402

from sage_common.core.topics import topic  # noqa: E402
from sage_common.ros.conversions.images import image_to_array  # noqa: E402
from sage_common.ros.executor import EXECUTOR  # noqa: E402
from sage_common.ros.interfaces import interface  # noqa: E402
from sage_common.ros.qos import PROFILES  # noqa: E402
from sage_common.ros.rclpy_host.host import RosHost  # noqa: E402
from sage_common.ros.rclpy_host.publisher import RosPublisher  # noqa: E402
from sage_common.ros.tensors.handles import mailbox_name  # noqa: E402
from sage_common.ros.tensors.output import TensorOutput  # noqa: E402
from sage_memory import Memory  # noqa: E402
from sage_memory.nodes.memory_node import MemoryNode  # noqa: E402
from sage_msgs.msg import Experience, FusedSalience, Outcome, Puzzle  # noqa: E402
from sage_msgs.srv import Checkpoint, Recall, SetPin  # noqa: E402

pytestmark = pytest.mark.distribution

PATIENCE_S = 60.0


class Driver:
    """A node beside the memory, and the executor of both."""

    def __init__(self, home: Path) -> None:
        rclpy.init(args=["test", "--ros-args", "-r", "__ns:=/sage", "-p", f"home:={home}"])
        self.host = RosHost(MemoryNode)
        self.node = rclpy.create_node("driver", namespace="/sage", use_global_arguments=False)
        self.executor = EXECUTOR()
        self.executor.add_node(self.host)
        self.executor.add_node(self.node)
        self.started = self.host.start()

    def until(self, condition) -> None:
        """Spin until the condition holds; what never happens fails the test."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            self.executor.spin_until_future_complete(Future(), timeout_sec=0.02)

    def close(self) -> None:
        self.host.stop()
        self.node.destroy_node()
        self.executor.shutdown()
        rclpy.shutdown()


@pytest.fixture
def driver(tmp_path):
    made = Driver(tmp_path)
    yield made
    made.close()


class Camera:
    """Shows pictures as images, or through a mailbox."""

    def __init__(self, node, log, way: str) -> None:
        self._way = way
        spec = topic("camera/image_raw" if way == "images" else "camera/tensor")
        name = f"/sage/{spec.name.format(name='front')}"
        publisher = node.create_publisher(interface(spec.type), name, PROFILES[spec.qos])
        self._publisher = RosPublisher(publisher, spec.qos, False)
        mailbox = mailbox_name(name, int(os.environ["ROS_DOMAIN_ID"]))
        self._output = TensorOutput(self._publisher, mailbox, lambda: True, log)

    @property
    def is_watched(self) -> bool:
        return self._publisher.subscriber_count > 0

    def show(self, stamp: int) -> None:
        image = inputs.image(stamp)
        if self._way == "images":
            self._publisher.publish(image)
        else:
            self._output.publish(image_to_array(image), image.header)

    def close(self) -> None:
        self._output.close()


@pytest.mark.parametrize("way", ["images", "mailbox"])
def test_salient_moment_becomes_an_experience_and_is_recalled(driver, tmp_path, way) -> None:
    if way == "mailbox":
        pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")
    assert driver.started
    node, kept = driver.node, []
    node.create_subscription(Experience, "experience", kept.append, PROFILES["standard"])
    camera = Camera(node, driver.host.log, way)
    puzzles = node.create_publisher(Puzzle, "vision/puzzle", PROFILES["standard"])
    fused = node.create_publisher(FusedSalience, "salience", PROFILES["standard"])
    ready = (puzzles, fused)
    driver.until(lambda: all(publisher.get_subscription_count() for publisher in ready))
    driver.until(lambda: camera.is_watched)
    driver.until(lambda: node.count_subscribers("/sage/experience") and True)
    for total in [0.2, 0.2, 0.9, 0.2, 0.2, 0.2, 0.2]:
        stamp = node.get_clock().now().nanoseconds
        camera.show(stamp)
        puzzles.publish(inputs.puzzle(stamp))
        done = time.monotonic() + 0.05  # the puzzle goes first, as in the graph
        driver.until(lambda done=done: time.monotonic() > done)
        fused.publish(inputs.fused(stamp, total))
    driver.until(lambda: len(kept) == 1)
    assert kept[0].total == pytest.approx(0.9)
    client = node.create_client(Recall, "memory/recall")
    driver.until(client.service_is_ready)
    answer = client.call_async(Recall.Request(modality="vision"))
    driver.until(answer.done)
    assert answer.result().success, answer.result().message
    assert [found.id for found in answer.result().experiences] == [kept[0].id]
    assert Path(answer.result().payload_paths[0]).is_file()
    camera.close()


def test_a_locked_store_leaves_the_node_inactive_until_it_is_free(tmp_path) -> None:
    with Memory.open(tmp_path):
        made = Driver(tmp_path)
        assert not made.started
        assert not made.host.node.active
    try:
        assert made.host.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert made.host.node.active
    finally:
        made.close()


@pytest.fixture
def asked_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, str]]]:
    """Every statement to SQLite and every sync of a file from now on, after its thread."""
    asked: list[tuple[int, str]] = []

    def listen(connection, _record) -> None:
        connection.set_trace_callback(lambda sql: asked.append((threading.get_ident(), sql)))

    def noted(descriptor: int) -> None:
        asked.append((threading.get_ident(), "fsync"))
        fsync(descriptor)

    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", noted)
    event.listen(Pool, "connect", listen)
    yield asked
    event.remove(Pool, "connect", listen)


def test_the_executor_never_asks_the_store_and_never_syncs(asked_on, driver) -> None:
    assert driver.started
    node, kept = driver.node, []
    node.create_subscription(Experience, "experience", kept.append, PROFILES["standard"])
    puzzles = node.create_publisher(Puzzle, "vision/puzzle", PROFILES["standard"])
    fused = node.create_publisher(FusedSalience, "salience", PROFILES["standard"])
    outcomes = node.create_publisher(Outcome, "outcome", PROFILES["standard"])
    for publisher in (puzzles, fused, outcomes):
        driver.until(lambda publisher=publisher: publisher.get_subscription_count() > 0)
    driver.until(lambda: node.count_subscribers("/sage/experience") and True)
    for total in (0.2, 0.9, 0.2, 0.2, 0.2):
        stamp = node.get_clock().now().nanoseconds
        puzzles.publish(inputs.puzzle(stamp))
        done = time.monotonic() + 0.05
        driver.until(lambda done=done: time.monotonic() > done)
        fused.publish(inputs.fused(stamp, total))
    driver.until(lambda: kept)
    before = len(asked_on)
    outcomes.publish(Outcome(header=inputs.header(stamp), experience_id=kept[0].id, reward=0.5))
    driver.until(lambda: any("entit" in sql for _, sql in asked_on[before:]))
    assert call(driver, Recall, "memory/recall", Recall.Request(modality="vision")).success
    pin = SetPin.Request(id=kept[0].id, pinned=True)
    assert call(driver, SetPin, "memory/pin", pin).success
    for name in ("memory/checkpoint", "memory/save_state"):
        assert call(driver, Checkpoint, name, Checkpoint.Request()).success
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE):
        request = ChangeState.Request(transition=Transition(id=transition))
        assert call(driver, ChangeState, "memory/change_state", request).success
    ticked = time.monotonic() + 1.2  # the timer, twice
    driver.until(lambda: time.monotonic() > ticked)
    assert {"fsync"} < {sql for _, sql in asked_on}
    here = threading.get_ident()
    assert [sql for thread, sql in asked_on if thread == here] == []


def call(driver: Driver, kind, name: str, request):
    """The answer of a service of the memory node."""
    client = driver.node.create_client(kind, name)
    driver.until(client.service_is_ready)
    answer = client.call_async(request)
    driver.until(answer.done)
    driver.node.destroy_client(client)
    return answer.result()
