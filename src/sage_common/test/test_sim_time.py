"""Timers of the ROS host keep the beat of /clock, whatever its speed."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from toy_nodes import ToyNode

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import Utterance

S = 1_000_000_000


class Player:
    """Publishes /clock and waits until the node has it."""

    def __init__(self, ros, node) -> None:
        self._ros = ros
        self._node = node
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._publisher = ros.driver.create_publisher(Clock, "/clock", qos)
        assert ros.until(lambda: self._publisher.get_subscription_count() > 0)

    def set(self, now_ns: int) -> None:
        clock: Time = to_stamp(now_ns)

        def arrived() -> bool:
            self._publisher.publish(Clock(clock=clock))  # best effort: again until it is there
            return self._node.clock.now_ns() == now_ns

        assert self._ros.until(arrived)


def test_timers_and_stamps_follow_the_simulated_clock(ros):
    node = ros.add(ToyNode, use_sim_time=True)
    player = Player(ros, node)
    assert node.ticks == 0 and node.clock.now_ns() == 0
    player.set(1000 * S)
    assert ros.until(lambda: node.ticks >= 0)
    started = node.ticks
    for step in range(1, 31):
        player.set(1000 * S + step * S // 20)
        # Two steps are one period; each tick is waited for, so that none can be skipped.
        assert ros.until(lambda step=step: node.ticks >= started + step // 2 - 1)
    assert ros.until(lambda: node.ticks - started >= 14)
    stood = node.ticks
    ros.for_a_while(0.5)
    assert node.ticks == stood, "the clock stands, and so do timers"
    assert node.ticks - started <= 16
    for stamp_ns in (1001 * S, 1000 * S + S // 2, ros.now_ns()):
        message = Utterance(text="x", confidence=1.0)
        message.header.stamp = to_stamp(stamp_ns)
        ros.publish("text", message)
    assert ros.until(lambda: (node.health.received, node.health.rejected) == (2, 1))


class SlowedToy(SageNode):
    """Its timer is slowed by a message."""

    default_name = "slowed"

    def on_configure(self) -> None:
        self.called_ns = []
        timer = self.timer(0.01, lambda: self.called_ns.append(self.clock.now_ns()))
        self.health = self.subscribe("text", lambda _message: timer.set_period(0.5))


def test_a_timer_with_another_period_keeps_to_it_after_the_call_that_is_awaited(ros):
    node = ros.add(SlowedToy, use_sim_time=True)
    player = Player(ros, node)
    player.set(1000 * S)
    assert ros.until(lambda: 1000 * S in node.called_ns)
    message = Utterance(text="x", confidence=1.0)
    message.header.stamp = to_stamp(1000 * S)
    ros.publish("text", message)
    assert ros.until(lambda: node.health.received == 1)
    awaited_ns = 1000 * S + S // 100
    player.set(awaited_ns)
    assert ros.until(lambda: awaited_ns in node.called_ns)
    before = len(node.called_ns)
    for step in range(1, 4):
        due_ns = awaited_ns + step * S // 2
        player.set(due_ns - S // 100)
        ros.for_a_while(0.1)
        assert len(node.called_ns) - before == step - 1
        player.set(due_ns)
        assert ros.until(lambda step=step: len(node.called_ns) - before == step)


class WatchingToy(SageNode):
    """Takes the pictures of a camera."""

    default_name = "watching"

    def on_configure(self) -> None:
        self.taken = []
        self.subscribe_tensor("camera/tensor", "camera/image_raw", self.taken.append, name="front")


def test_images_are_subscribed_before_a_player_starts_the_clock(ros):
    """Else the first seconds of a bag that has images only are lost."""
    ros.add(WatchingToy, use_sim_time=True)
    image = "/sage/camera/front/image_raw"
    assert ros.until(lambda: ros.driver.count_subscribers(image) > 0)


def test_a_node_that_waits_for_the_clock_says_what_is_missing(ros):
    node = ros.add(ToyNode, use_sim_time=True)
    assert ros.until(lambda: "ros2 bag play --clock" in getattr(ros.status("toy"), "message", ""))
    Player(ros, node).set(1000 * S)
    assert ros.until(lambda: "clock" not in ros.status("toy").message)


def test_what_is_as_old_as_a_recording_is_refused_with_what_to_do(ros):
    ros.add(ToyNode)
    message = Utterance(text="x", confidence=1.0)
    message.header.stamp = to_stamp(ros.now_ns() - 183 * S)
    ros.publish("text", message)
    assert ros.until(lambda: any("ros2 bag play --clock" in line for line in ros.logs()))
