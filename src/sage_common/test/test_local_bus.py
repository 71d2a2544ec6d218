"""Nodes of one process hand messages over without DDS, once, in order, and never without bound."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sage_common.ros.qos import PROFILES
from sage_common.ros.rclpy_host.local_bus import LocalBus, LocalSubscription

pytestmark = pytest.mark.distribution


class QueueExecutor:
    """Runs tasks when told to, as an executor that is busy until then."""

    def __init__(self):
        self.tasks = []

    def create_task(self, task):
        self.tasks.append(task)

    def run(self):
        while self.tasks:
            self.tasks.pop(0)()


@pytest.fixture
def executor():
    return QueueExecutor()


def listen(bus, executor, topic="/a", qos="standard"):
    heard = []
    subscription = LocalSubscription(qos, heard.append, lambda: executor)
    return heard, subscription, bus.subscribe(topic, subscription)


def test_a_message_reaches_every_subscriber_in_order_and_is_the_same_object(executor):
    bus = LocalBus()
    first, _, _ = listen(bus, executor)
    second, _, _ = listen(bus, executor)
    elsewhere, _, _ = listen(bus, executor, "/b")
    messages = [object(), object()]
    for message in messages:
        bus.publish("/a", message, "standard", "one")
    assert first == [], "callbacks run on the executor, not in publish"
    executor.run()
    assert first == messages
    assert second == messages
    assert elsewhere == []


@pytest.mark.parametrize("qos", sorted(PROFILES))
def test_a_busy_subscriber_loses_the_oldest_and_counts_them(executor, qos):
    bus = LocalBus()
    heard, subscription, _ = listen(bus, executor, qos=qos)
    depth = PROFILES[qos].depth
    count = depth + 15
    for number in range(count):
        bus.publish("/a", number, qos, "one")
    assert len(executor.tasks) == depth
    executor.run()
    assert heard == list(range(15, count))
    assert subscription.dropped == 15


def test_a_late_subscriber_gets_the_latched_message_until_its_publisher_has_gone(executor):
    bus = LocalBus()
    bus.publish("/a", "state", "latched", "one")
    heard, _, _ = listen(bus, executor, qos="latched")
    executor.run()
    assert heard == ["state"]
    bus.forget("/a", "one")
    later, _, _ = listen(bus, executor, qos="latched")
    executor.run()
    assert later == []


def test_a_late_subscriber_gets_the_latched_message_of_each_publisher_in_order(executor):
    bus = LocalBus()
    for publisher, message in (("one", 1), ("two", 2), ("three", 3), ("one", 4)):
        bus.publish("/tf_static", message, "latched", publisher)
    heard, _, _ = listen(bus, executor, "/tf_static", "static")
    executor.run()
    assert heard == [2, 3, 4]
    bus.forget("/tf_static", "two")
    later, _, _ = listen(bus, executor, "/tf_static", "static")
    executor.run()
    assert later == [3, 4]


def test_a_subscription_that_was_taken_away_hears_nothing(executor):
    bus = LocalBus()
    heard, _, cancel = listen(bus, executor)
    assert bus.subscriber_count("/a") == 1
    cancel()
    assert bus.subscriber_count("/a") == 0
    bus.publish("/a", 1, "standard", "one")
    executor.run()
    assert heard == []


def test_a_node_that_does_not_spin_is_passed_over():
    bus = LocalBus()
    heard = []
    bus.subscribe("/a", LocalSubscription("standard", heard.append, lambda: None))
    bus.publish("/a", 1, "standard", "one")
    assert heard == []


def test_a_service_is_found_until_it_is_taken_away():
    bus = LocalBus()
    cancel = bus.serve("/s", lambda request, timeout_s: (request, timeout_s))
    assert bus.service("/s")("ask", 2.0) == ("ask", 2.0)
    cancel()
    assert bus.service("/s") is None


PROGRAM = """
import json, sys, threading
import rclpy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import RosHost
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Utterance
from sage_msgs.srv import Embed

class Talker(SageNode):
    default_name = "talker"
    def on_configure(self):
        self.output = self.publisher("text")
        self.embed = self.client("language/embed")
        self.said, self.answers = 0, []
        self.timer(0.02, self.say)
        self.caller = self.worker("call")
    def say(self):
        message = Utterance(text=str(self.said), confidence=1.0)
        message.header.stamp = to_stamp(self.clock.now_ns())
        self.output.publish(message)
        self.said += 1
        if self.said == 10:
            self.caller.submit(self.ask)
    def ask(self):
        self.answers.append(list(self.embed.call(Embed.Request(text="x"), 2.0).embedding))

class Listener(SageNode):
    default_name = "listener"
    def on_configure(self):
        self.heard = []
        self.subscribe("text", lambda message: self.heard.append(message.text))
        self.kept = self.keep_latest("text", 3)
        self.service("language/embed", self.answer)
    def answer(self, request, response):
        response.success, response.embedding = True, [1.0, 2.0]
        return response

rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
hosts = [RosHost(Talker), RosHost(Listener)]
executor = EXECUTOR()
for host in hosts:
    executor.add_node(host)
    host.start()
executor.spin_until_future_complete(Future(), timeout_sec=1.5)
talker, listener = hosts[0].node, hosts[1].node
print(json.dumps({"said": talker.said, "heard": listener.heard, "answers": talker.answers,
                  "newest": listener.kept.newest().text}))
for host in hosts:
    host.stop()
executor.shutdown()
rclpy.shutdown()
"""

PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<dds xmlns="http://www.eprosima.com"><profiles>
<participant profile_name="local" is_default_profile="true"><rtps><propertiesPolicy><properties>
<property><name>fastdds.ignore_local_endpoints</name><value>true</value></property>
</properties></propertiesPolicy></rtps></participant></profiles></dds>
"""


@pytest.mark.parametrize("has_bus", [True, False])
def test_every_message_arrives_exactly_once_with_and_without_the_bus(tmp_path: Path, has_bus):
    profile = tmp_path / "profile.xml"
    profile.write_text(PROFILE)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("FAST", "SAGE_LOCAL"))}
    if has_bus:
        environment |= {"SAGE_LOCAL_BUS": "1", "FASTRTPS_DEFAULT_PROFILES_FILE": str(profile)}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.strip().splitlines()[-1])
    assert found["said"] > 20
    heard = [int(text) for text in found["heard"]]
    assert heard == list(range(heard[0], heard[0] + len(heard))), "each once, in order"
    assert found["said"] - len(heard) <= 5, "all but those before the match and on their way"
    assert int(found["newest"]) >= heard[-1]
    assert found["answers"] == [[1.0, 2.0]]
