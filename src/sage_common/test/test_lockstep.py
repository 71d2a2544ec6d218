"""The lock-step host: order, simulated time, the same output each time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from failing_toy import FailingToy
from good_messages import GOOD, NAMES, header
from rclpy.serialization import serialize_message
from toy_nodes import ToyNode

from sage_common.core.parameters import ParameterError
from sage_common.core.state import file as state_file
from sage_common.ros.conversions.audio import audio_info
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_msgs.msg import Outcome, Utterance
from sage_msgs.srv import Recall, SetTrust

MS = 1_000_000


class DiaryNode(SageNode):
    """Writes down what happens, in order."""

    default_name = "diary"

    def on_configure(self) -> None:
        self.lines: list[str] = []
        self.subscribe("text", lambda m: self.lines.append(f"text {m.text}"))
        self.subscribe("outcome", lambda m: self.lines.append(f"outcome {m.note}"))
        self.timer(0.1, lambda: self.lines.append(f"tick {self.clock.now_ns() // MS % 10_000}"))


def text(words: str, stamp_ns: int) -> Utterance:
    return Utterance(header=header(stamp_ns), text=words, confidence=1.0)


def test_messages_come_in_the_order_of_stamp_topic_and_sequence():
    graph = LockstepHost()
    diary = graph.add(DiaryNode)
    start = graph.clock.now_ns()
    graph.publish("text", text("late", start + 30 * MS))
    graph.publish("text", text("b", start + 10 * MS))
    graph.publish("text", text("c", start + 10 * MS))
    graph.publish("outcome", Outcome(header=header(start + 10 * MS), note="a"))
    graph.publish("text", text("now", start - 5 * MS))
    graph.run_until(start + 50 * MS)
    assert diary.lines == ["text now", "outcome a", "text b", "text c", "text late"]
    assert graph.clock.now_ns() == start + 50 * MS


def test_timers_keep_their_beat_in_simulated_time():
    graph = LockstepHost()
    diary = graph.add(DiaryNode)
    timer = diary.timer(0.25, lambda: diary.lines.append("quarter"))
    graph.run_for(0.5)
    assert diary.lines == [
        "tick 100", "tick 200", "quarter", "tick 300", "tick 400", "quarter", "tick 500",
    ]  # fmt: skip
    timer.set_period(0.125)
    graph.run_for(0.25 + 0.125)
    assert diary.lines.count("quarter") == 4, "the call that is awaited comes as it was"
    diary.lines.clear()
    timer.cancel()
    graph.run_for(0.5)
    assert diary.lines.count("quarter") == 0 and len(diary.lines) == 5


def test_messages_from_the_future_and_stale_ones_are_counted():
    graph = LockstepHost()
    node = graph.add(ToyNode)
    now = graph.clock.now_ns()
    for offset_s in (2.0, -11.0, 0.5):
        data = text("x", now + round(offset_s * 1e9))
        graph.publish_serialized(now, "/sage/text", "sage_msgs/msg/Utterance", serialized(data))
    graph.run_for(0.1)
    assert (node.health.received, node.health.rejected) == (1, 2)


def serialized(message: Any) -> bytes:
    return bytes(serialize_message(message))


def test_a_failing_callback_and_timer_are_counted_and_others_go_on():
    class FailingNode(ToyNode):
        def _tick(self) -> None:
            raise ZeroDivisionError("tick")

    graph = LockstepHost()
    node, diary = graph.add(FailingNode), graph.add(DiaryNode)
    graph.publish("text", text("raise", graph.clock.now_ns()))
    graph.run_for(1.0)
    assert "text raise" in diary.lines and len(diary.lines) == 11
    assert node.health.received == 0 and node._diagnostics.failures == 11
    assert len([line for line in graph.logs if line.text == "ZeroDivisionError: tick"]) == 1


def test_remappings_and_names_in_the_namespace():
    graph = LockstepHost(namespace="/robot/sage")
    graph.add(ToyNode, remappings={"outcome": "judged", "text": "/heard"})
    now = graph.clock.now_ns()
    message = serialized(text("hi", now))
    graph.publish_serialized(now, "/heard", "sage_msgs/msg/Utterance", message)
    graph.run_for(0.1)
    assert [item.topic for item in graph.outputs if "judge" in item.topic] == ["/robot/sage/judged"]
    assert graph.messages("outcome") == []


def test_services_and_actions_that_nobody_serves():
    graph = LockstepHost()
    with pytest.raises(ServiceUnavailable, match="/sage/memory/recall: no node serves it"):
        graph.call("memory/recall", Recall.Request())
    with pytest.raises(ServiceUnavailable):
        graph.run_action("orchestrator/refine", None)
    graph.add(ToyNode)
    with pytest.raises(TypeError, match="expected SetTrust_Request"):
        graph.call("orchestrator/set_trust", Recall.Request())
    answer = graph.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=0.1))
    again = graph.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=0.1))
    assert answer.success and again.previous == pytest.approx(0.1) and again.previous != 0.1


def test_parameters_are_checked():
    with pytest.raises(ParameterError, match="gane: unknown parameter; the nearest known is gain"):
        LockstepHost().add(ToyNode, parameters={"gane": 1.0})


class SpeakerNode(SageNode):
    """Publishes rates on a latched topic."""

    default_name = "speaker"

    def on_configure(self) -> None:
        self.info = self.publisher("microphone/info", name="front")

    def tell(self, *rates: int) -> None:
        for rate in rates:
            self.info.publish(audio_info(rate))


def test_a_latched_message_waits_for_late_subscribers():
    graph = LockstepHost()
    graph.add(SpeakerNode).tell(8000, 16000)
    node = graph.add(ToyNode)
    graph.run_for(0.1)
    assert node.rates == [16000]


def test_a_late_subscriber_gets_the_latched_message_of_each_publisher_in_order():
    graph = LockstepHost()
    one, two, three = (graph.add(SpeakerNode, name) for name in ("one", "two", "three"))
    one.tell(8000)
    three.tell(44100)
    two.tell(16000, 22050)
    graph.run_for(0.1)
    one.tell(48000)
    node = graph.add(ToyNode)
    graph.run_for(0.1)
    assert node.rates == [44100, 22050, 48000]


def test_subscribers_do_not_share_a_message():
    class SpoilerNode(SageNode):
        default_name = "spoiler"

        def on_configure(self) -> None:
            self.subscribe("text", self.spoil)

        def spoil(self, message: Utterance) -> None:
            message.text = "spoilt"

    graph = LockstepHost()
    graph.add(SpoilerNode)
    diary = graph.add(DiaryNode)
    graph.publish("text", text("fresh", graph.clock.now_ns()))
    graph.run_for(0.01)
    assert diary.lines == ["text fresh"]


def test_watched_topics_count_as_subscribed():
    graph = LockstepHost(watched=("outcome",))
    node = graph.add(ToyNode)
    assert node.output.subscriber_count == 1
    graph.add(DiaryNode)
    assert node.output.subscriber_count == 2


class DreamerNode(ToyNode):
    """Adds its own random numbers to what it says."""

    default_name = "dreamer"

    def _on_text(self, message: Utterance) -> None:
        self.output.publish(Outcome(header=message.header, reward=float(self.rng.random())))


def run(node_type: type[SageNode], name: str, words: tuple[str, ...]) -> LockstepHost:
    graph = LockstepHost()
    graph.add(node_type, name=name)
    for key in sorted(GOOD):
        if key not in ("text", "markers", "outcome"):
            graph.publish(key, GOOD[key](header(graph.clock.now_ns())), **NAMES.get(key, {}))
    for number, word in enumerate(words):
        graph.publish("text", text(word, graph.clock.now_ns() + number * MS))
    graph.run_for(2.0)
    return graph


def test_two_runs_write_the_same_bytes_and_any_difference_shows():
    same = ("one", "two")
    digest = run(DreamerNode, "a", same).digest()
    assert run(DreamerNode, "a", same).digest() == digest
    assert run(DreamerNode, "b", same).digest() != digest, "another name, another seed"
    assert run(DreamerNode, "a", ("one",)).digest() != digest
    assert run(ToyNode, "a", same).digest() != run(ToyNode, "a", ("two", "one")).digest()


def test_without_keeping_outputs_they_still_go_to_the_observer():
    graph = LockstepHost(keep_outputs=False)
    seen = []
    graph.on_output = lambda item: seen.append(item.topic)
    graph.add(ToyNode)
    graph.publish("text", text("x", graph.clock.now_ns()))
    graph.run_for(0.1)
    assert seen == ["/sage/outcome"] and graph.outputs == []


def test_state_is_saved_at_the_end_and_resumed(tmp_path):
    first = LockstepHost(home=tmp_path)
    first.add(ToyNode)
    first.publish("text", text("x", first.clock.now_ns()))
    first.run_for(0.1)
    first.close()
    second = LockstepHost(home=tmp_path)
    assert second.add(ToyNode).learned[0] == 1
    third = LockstepHost(home=tmp_path)
    assert third.add(ToyNode, parameters={"resume": False}).learned[0] == 0


def test_a_checkpoint_is_written_in_time(tmp_path):
    graph = LockstepHost(home=tmp_path)
    graph.add(ToyNode, parameters={"checkpoint_period_s": 5.0})
    path = tmp_path / "state" / "toy.state"
    graph.run_for(4.9)
    assert not path.exists()
    graph.run_for(0.2)
    assert path.exists()


def test_a_state_that_cannot_be_saved_is_an_error_in_diagnostics_until_it_can(tmp_path):
    graph = LockstepHost(home=tmp_path)
    node = graph.add(ToyNode, parameters={"checkpoint_period_s": 1.5})
    (tmp_path / "state").write_text("in the way")
    graph.run_for(2.1)
    last = graph.outputs[-1].message().status[0]
    assert last.level == last.ERROR and "state not saved" in last.message
    (tmp_path / "state").unlink()
    graph.run_for(2.0)
    last = graph.outputs[-1].message().status[0]
    assert last.level != last.ERROR
    (tmp_path / "state" / "toy.state").unlink()
    (tmp_path / "state").rmdir()
    (tmp_path / "state").write_text("in the way")
    graph.close()
    assert not node.open, "what was taken is released all the same"
    assert any("state not saved" in line.text for line in graph.logs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "learned is missing"),
        ({"version": "0"}, "version = 0: expected 1"),
        ({"node": "other"}, "node = other: expected toy"),
        ({"kind": "OtherNode"}, "kind = OtherNode: expected ToyNode"),
        ({"size": "7"}, "size = 7: expected none"),
    ],
)
def test_a_state_of_another_node_version_or_form_is_set_aside(tmp_path, given, said):
    path = tmp_path / "state" / "toy.state"
    identity = {"node": "toy", "kind": "ToyNode", "version": "1", **given}
    state_file.save(path, {"other": np.zeros(3)}, identity)
    graph = LockstepHost(home=tmp_path)
    assert graph.add(ToyNode).learned[0] == 0
    assert (tmp_path / "state" / "toy.state.refused").exists() and not path.exists()
    assert any(said in line.text for line in graph.logs)


def test_health_levels_are_checked_and_problems_come_and_go():
    graph = LockstepHost()
    node = graph.add(DiaryNode)
    with pytest.raises(ValueError, match="level = 'bad': expected one of ok, warn, error"):
        node.set_health("bad", "x")
    node.set_health("warn", "tired")
    node.set_problem("disk", "full")
    graph.run_for(1.0)
    status = graph.outputs[-1].message().status[0]
    assert (status.level, status.message) == (status.ERROR, "full")
    node.set_problem("disk", "")
    graph.run_for(1.0)
    status = graph.outputs[-1].message().status[0]
    assert (status.level, status.message) == (status.WARN, "tired")
    assert to_stamp(1_500_000_000).nanosec == 500_000_000


def test_a_failed_activation_is_rolled_back_and_the_next_one_works(tmp_path):
    class Toy(FailingToy):
        fail_in: ClassVar[set[str]] = set()

    graph = LockstepHost(home=tmp_path)
    node = graph.add(Toy)
    node.deactivate()
    saved = (tmp_path / "state" / "toy.state").read_bytes()
    Toy.fail_in.add("activate")
    with pytest.raises(RuntimeError, match="told to fail in activate"):
        node.activate()
    assert not (node.active or node.open) and node.ran[-2:] == ["activate", "deactivate"]
    assert (tmp_path / "state" / "toy.state").read_bytes() == saved
    node.activate()
    assert node.active and node.open
