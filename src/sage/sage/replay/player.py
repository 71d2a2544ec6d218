"""Plays a bag into ROS: `python -m sage.replay.player BAG`; started by `sage replay`.

A process of its own, so that its timing does not wait for anything else. It keeps /clock at the
bag's start until the nodes named by --wait-for are active and listen, plays, and ends. Its last
line is a JSON object: {"messages", "passes", "unreadable": {topic: messages that were left out},
"error": why the bag could not be read to its end, "late_ms": {"p50", "p99", "max"}}.
"""

from __future__ import annotations

import argparse
import json
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import rclpy
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosgraph_msgs.msg import Clock

from sage.observe.series import Series
from sage.sources.bag_plan import BagPlan, plan_playing
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpec
from sage_common.parent import end_with_parent
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.interfaces import interface

CLOCK_PERIOD_NS = 10_000_000
# The end of a wait is spent in a loop, because sleep() wakes up late. Longer loops cost more than
# they give: 2 ms take half a core at 200 messages/s, and its scheduler then lets others go first.
SPIN_NS = 300_000
READ_AHEAD = 400
READY_TIMEOUT_S = 60.0
# Nodes that are active may not have found each other yet; the first messages would be lost.
SETTLE_S = 1.0
# The graph still works on the last messages; its clock must go on meanwhile.
TAIL_S = 1.0
PAUSE_BETWEEN_PASSES_NS = NS_PER_S // 10
# A thread that reads ahead must not hold the interpreter for the usual 5 ms.
SWITCH_INTERVAL_S = 0.0002

Item = tuple[int, str, bytes]


class Player:
    """Plays one bag.

    Args:
        node: makes the publishers.
        plan: what is played.
        rate: speed of playing.
        loop: begin again at the end; time goes on.

    Attributes:
        unreadable: messages that were left out, by topic.
        error: why the bag could not be read to its end; None: it could.
    """

    def __init__(self, node: Node, plan: BagPlan, rate: float, loop: bool) -> None:
        self.late_ms = Series()
        self.unreadable: Counter[str] = Counter()
        self.error: Exception | None = None
        self.messages = 0
        self.passes = 0
        self._node = node
        self._plan = plan
        self._rate = rate
        self._loop = loop
        self._stopping = False
        # As rosbag2 does: who wants the time wants the newest, not every one.
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._clock = node.create_publisher(Clock, "/clock", newest)
        self._publishers = {
            route.target: node.create_publisher(
                interface(route.type_name), route.target, route.qos.as_ros()
            )
            for route in plan.routes.values()
        }

    def stop(self) -> None:
        """End soon."""
        self._stopping = True

    def wait_until_ready(self, nodes: list[str], clocks: int) -> list[str]:
        """Wait for active nodes, and for a listener of each topic; what is still missing.

        Args:
            nodes: full names of managed nodes that must be active.
            clocks: that many must listen to /clock: who does not know the time yet refuses
                messages from its future.
        """
        executor = SingleThreadedExecutor()
        executor.add_node(self._node)
        clients = {n: self._node.create_client(GetState, f"{n}/get_state") for n in nodes}
        asked: dict[str, Any] = {}
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._stopping and time.monotonic() < deadline:
            self._publish_clock(self._plan.bag.start_ns)
            for name, client in clients.items():
                if name not in asked and client.service_is_ready():
                    asked[name] = client.call_async(GetState.Request())
            executor.spin_once(timeout_sec=0.02)
            for name in [name for name, future in asked.items() if future.done()]:
                if asked.pop(name).result().current_state.id == State.PRIMARY_STATE_ACTIVE:
                    self._node.destroy_client(clients.pop(name))
            if not clients and not self._unheard(clocks):
                deadline = min(deadline, time.monotonic() + SETTLE_S)
        executor.remove_node(self._node)
        return [*clients, *self._unheard(clocks)]

    def play(self) -> None:
        """Play until the end, or until stopped."""
        ahead: queue.Queue[Item | None] = queue.Queue(READ_AHEAD)
        reader = threading.Thread(target=self._read, args=(ahead,), name="reader", daemon=True)
        reader.start()
        start_ns = self._plan.bag.start_ns
        # Time for the reader to get ahead.
        begin_ns = time.monotonic_ns() + NS_PER_S // 5
        now_ns = start_ns
        next_clock_ns = start_ns
        while not self._stopping and (item := ahead.get()) is not None:
            now_ns, target, data = item
            while next_clock_ns <= now_ns and not self._stopping:
                self._wait(begin_ns, next_clock_ns)
                self._publish_clock(next_clock_ns)
                next_clock_ns += round(CLOCK_PERIOD_NS * self._rate)
            late_ns = self._wait(begin_ns, now_ns)
            self._publishers[target].publish(data)
            self.late_ms.add(late_ns / 1e6)
            self.messages += 1
        end_ns = now_ns + round(TAIL_S * self._rate * NS_PER_S)
        while next_clock_ns <= end_ns and not self._stopping:
            self._wait(begin_ns, next_clock_ns)
            self._publish_clock(next_clock_ns)
            next_clock_ns += round(CLOCK_PERIOD_NS * self._rate)

    def summary(self) -> dict[str, Any]:
        """Counts, and how late messages were published."""
        late_ms = self.late_ms
        highest = round(late_ms.moments()["max"], 3) if late_ms.n else None
        return {
            "messages": self.messages,
            "passes": self.passes,
            "unreadable": dict(self.unreadable),
            "error": str(self.error or ""),
            "late_ms": {**late_ms.percentiles(50, 99), "max": highest},
        }

    def _wait(self, begin_ns: int, time_ns: int) -> int:
        """Sleep until a time of the bag; how late it is then [ns]."""
        due_ns = begin_ns + round((time_ns - self._plan.bag.start_ns) / self._rate)
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            if left_ns > SPIN_NS:
                time.sleep(min(left_ns - SPIN_NS, NS_PER_S // 10) / NS_PER_S)
                if self._stopping:
                    break
        return -left_ns

    def _read(self, ahead: queue.Queue[Item | None]) -> None:
        try:
            for item in self._items():
                ahead.put(item)
        except (ValueError, OSError) as error:
            self.error = error
        finally:
            ahead.put(None)

    def _items(self) -> Iterator[Item]:
        bag = self._plan.bag
        length_ns = bag.end_ns - bag.start_ns + PAUSE_BETWEEN_PASSES_NS
        while True:
            later_ns = self.passes * length_ns
            for message, route in self._plan.messages():
                try:
                    data = route.moved(message, later_ns)
                except InvalidInput as error:
                    self._leave_out(message.topic, error)
                else:
                    yield message.time_ns + later_ns, route.target, data
            self.passes += 1
            if not self._loop:
                return

    def _leave_out(self, topic: str, error: InvalidInput) -> None:
        """Go on without a message; the first of a topic is worth a line."""
        if topic not in self.unreadable:
            print(f"{self._plan.bag.path}: left out: {error}", file=sys.stderr, flush=True)
        self.unreadable[topic] += 1

    def _publish_clock(self, time_ns: int) -> None:
        self._clock.publish(Clock(clock=to_stamp(time_ns)))

    def _unheard(self, clocks: int) -> list[str]:
        unheard = [n for n, p in self._publishers.items() if not p.get_subscription_count()]
        return unheard + ["/clock"] * (self._clock.get_subscription_count() < clocks)


def main() -> int:
    parser = argparse.ArgumentParser(prog="sage.replay.player", description=__doc__)
    parser.add_argument("bag", type=Path)
    parser.add_argument("--namespace", default="/sage")
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--loop", action="store_true")
    parser.add_argument(
        "--own",
        type=json.loads,
        default=[],
        help="modalities with a topic of their own, a JSON list",
    )
    parser.add_argument("--wait-for", nargs="*", default=[], metavar="NODE")
    parser.add_argument("--clocks", type=int, default=0, help="listeners of /clock to wait for")
    options = parser.parse_args()
    end_with_parent()
    own = [ModalitySpec(**modality) for modality in options.own]
    plan = plan_playing(options.bag, options.namespace, own)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    player = Player(rclpy.create_node("bag_player"), plan, options.rate, options.loop)

    def on_signal(number: int, frame: FrameType | None) -> None:
        player.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    missing = player.wait_until_ready(options.wait_for, options.clocks)
    if missing:
        print(f"playing although not ready: {', '.join(missing)}", file=sys.stderr, flush=True)
    player.play()
    print(json.dumps(player.summary()), flush=True)
    rclpy.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
