"""One node, one test, two hosts: a node cannot tell where it runs."""

from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from toy_nodes import ToyNode

from sage_common.core.topics import topic
from sage_common.ros.conversions.audio import audio_info
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.action import Refine
from sage_msgs.msg import Utterance
from sage_msgs.srv import Embed, SetTrust

pytestmark = pytest.mark.distribution


def utterance(rig, text: str, offset_s: float = 0.0) -> Utterance:
    message = Utterance(text=text, confidence=1.0)
    message.header.stamp = to_stamp(rig.now_ns() + round(offset_s * 1e9))
    return message


def test_good_messages_reach_the_callback_and_come_out_with_their_stamp(rig):
    node = rig.add(ToyNode, gain=4)
    rig.messages("outcome")
    sent = utterance(rig, "hello")
    rig.publish("text", sent)
    assert rig.until(lambda: len(rig.messages("outcome")) == 1)
    (got,) = rig.messages("outcome")
    assert (got.note, got.reward) == ("hello", 0.125)
    assert stamp_ns(got.header.stamp) == stamp_ns(sent.header.stamp)
    assert node.health.received == 1


class LeavingNode(SageNode):
    """Hears every word until it is told to stop."""

    default_name = "leaving"

    def on_configure(self) -> None:
        self.heard: list[str] = []
        self.gate = self.make_gate(topic("text"), self._on_text)
        self.end = self.connect(self.gate)

    def _on_text(self, message: Utterance) -> None:
        self.heard.append(message.text)
        if message.text == "stop":
            self.end()
            self.end()


def test_a_subscription_can_be_ended_by_what_it_hears_and_made_again(rig):
    node = rig.add(LeavingNode)
    other = rig.add(ToyNode)
    for number, text in enumerate(("one", "stop", "two"), start=1):
        rig.publish("text", utterance(rig, text))
        assert rig.until(lambda number=number: other.health.received == number)
    assert rig.until(lambda: node.heard == ["one", "stop"])
    node.end = node.connect(node.gate)
    assert rig.until(lambda: rig.publish("text", utterance(rig, "on")) or "on" in node.heard)
    assert "two" not in node.heard


def test_bad_messages_are_counted_dropped_and_said_once_while_good_ones_pass(rig):
    node = rig.add(ToyNode)
    rig.messages("outcome")
    rig.publish("text", utterance(rig, "before"))
    rig.publish("text", utterance(rig, "  "))
    rig.publish("text", utterance(rig, "too early", offset_s=60.0))
    rig.publish("text", utterance(rig, "too late", offset_s=-60.0))
    rig.publish("text", utterance(rig, "refuse"))
    rig.publish("text", utterance(rig, "after"))
    assert rig.until(lambda: node.health.received == 2 and node.health.rejected == 4)
    assert rig.until(lambda: [m.note for m in rig.messages("outcome")] == ["before", "after"])
    assert rig.until(lambda: any("dropped a message" in line for line in rig.logs()))
    dropped = [line for line in rig.logs() if "dropped a message" in line]
    assert len(dropped) == 1 and "/sage/text" in dropped[0], dropped
    assert rig.until(lambda: (rig.status("toy") or 0) and "rejected" in str(rig.status("toy")))
    rig.until(
        lambda: {v.key: v.value for v in rig.status("toy").values}["/sage/text rejected"] == "4"
    )
    values = {pair.key: pair.value for pair in rig.status("toy").values}
    assert values["/sage/text received"] == "2"
    assert values["/sage/text rejected"] == "4"
    assert "expected anything else" in values["/sage/text last fault"]


def test_a_callback_that_raises_is_counted_and_the_node_goes_on(rig):
    node = rig.add(ToyNode)
    rig.publish("text", utterance(rig, "raise"))
    rig.publish("text", utterance(rig, "fine"))
    assert rig.until(lambda: node.health.received == 1)
    assert rig.until(lambda: any("ZeroDivisionError: told to raise" in x for x in rig.logs()))
    assert rig.until(
        lambda: "last_callback_error" in {v.key for v in getattr(rig.status("toy"), "values", ())}
    )


def test_timers_tick_only_while_active(rig):
    node = rig.add(ToyNode)
    assert rig.until(lambda: node.ticks >= 3)
    rig.deactivate(node)
    stood = node.ticks
    seen = node.clock.now_ns()
    assert rig.until(lambda: node.clock.now_ns() > seen + 400_000_000)
    assert node.ticks == stood
    assert not node.open


def test_a_service_answers_refuses_and_survives(rig):
    node = rig.add(ToyNode)
    good = rig.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=0.5))
    assert good.success and good.previous == 0.0
    wrong = rig.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=7.0))
    assert not wrong.success and wrong.message == "trust = 7.0: expected 0.05 to 1"
    crashed = rig.call("orchestrator/set_trust", SetTrust.Request(plugin="crash", trust=0.5))
    assert not crashed.success and "no such plugin" in crashed.message
    again = rig.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=0.5))
    assert again.success and again.previous == 0.5
    rig.deactivate(node)
    asleep = rig.call("orchestrator/set_trust", SetTrust.Request(plugin="x", trust=0.5))
    assert not asleep.success and asleep.message == "toy is not active"


def test_a_worker_calls_a_service(rig):
    node = rig.add(ToyNode)
    assert rig.call("language/embed", Embed.Request(text="four")).embedding[0] == 4.0
    rig.publish("text", utterance(rig, "ask"))
    assert rig.until(node.asked.is_set)
    assert node.answered == "1.0"


def test_an_action_gives_feedback_can_be_cancelled_and_survives(rig):
    rig.add(ToyNode, steps=5)
    result, feedback = rig.run_action("orchestrator/refine", Refine.Goal(plugin="x"))
    assert result.success and result.steps == 5
    assert [item.steps for item in feedback] == [1, 2, 3, 4, 5]
    crashed, _ = rig.run_action("orchestrator/refine", Refine.Goal(plugin="crash"))
    assert not crashed.success and "no such plugin" in crashed.message


def test_an_action_stops_when_it_is_cancelled(rig):
    rig.add(ToyNode, steps=100)
    result, feedback = rig.run_action(
        "orchestrator/refine", Refine.Goal(plugin="x"), cancel_after=2
    )
    assert not result.success and result.message == "cancelled"
    assert 2 <= len(feedback) < 100


def test_a_latched_message_that_came_while_inactive_is_delivered_on_activation(rig):
    node = rig.add(ToyNode)
    rig.deactivate(node)
    rig.publish("microphone/info", audio_info(8000), name="front")
    rig.publish("microphone/info", audio_info(16000), name="front")
    seen = node.clock.now_ns()
    assert rig.until(lambda: node.clock.now_ns() > seen + 300_000_000)
    assert node.rates == []
    rig.activate(node)
    assert rig.until(lambda: node.rates == [16000])


def test_learned_state_is_saved_on_deactivation_and_restored(rig):
    node = rig.add(ToyNode)
    for _ in range(3):
        rig.publish("text", utterance(rig, "learn"))
    assert rig.until(lambda: node.health.received == 3)
    rig.deactivate(node)
    assert (node.home / "state" / "toy.state").exists()
    node.learned[:] = 0
    rig.activate(node)
    assert node.learned.tolist() == [3, 0, 0, 0]


def test_kept_messages_are_checked_when_they_are_read(rig):
    from audio_common_msgs.msg import AudioDataStamped

    node = rig.add(ToyNode)
    base_ns = rig.now_ns()
    for number, size in enumerate((4, 8, 3)):
        message = AudioDataStamped()
        message.audio.data = bytes(size)
        message.header.stamp = to_stamp(base_ns + number * 1000)
        rig.publish("microphone/audio", message, name="front")
    stale = AudioDataStamped()
    stale.audio.data = bytes(4)
    rig.publish("microphone/audio", stale, name="front")
    kept = node.audio
    assert rig.until(lambda: len(kept) == 3 and kept.health.rejected == 1)
    assert len(kept.newest().audio.data) == 8  # the one of 3 bytes was dropped
    assert kept.health.rejected == 2
    assert len(kept.nearest(base_ns).audio.data) == 4
    assert [len(m.audio.data) for m in kept.between(base_ns, base_ns + 5000)] == [4, 8]
    assert kept.between(base_ns + 9000, base_ns + 9999) == []


def test_an_instance_of_what_no_package_declares_is_said(rig):
    rig.add(ToyNode, instances=("front vison", "left vision"))
    assert rig.until(lambda: rig.status("toy") is not None and "vison" in rig.status("toy").message)
    status = rig.status("toy")
    assert status.level == DiagnosticStatus.WARN
    assert status.message.endswith("nothing is known of them: front vison")
    assert any("front vison" in line for line in rig.logs())
