"""Malformed messages on every input topic at once, on both hosts: nothing else is lost."""

from __future__ import annotations

from typing import Any

from good_messages import GOOD, NAMES, WRONG, header

from sage_common.core.errors import InvalidInput
from sage_common.core.health import InputHealth
from sage_common.core.topics import TOPICS
from sage_common.ros.conversions.stamps import stamp_ns, stamped_now
from sage_common.ros.node import SageNode
from sage_msgs.msg import Outcome

S = 1_000_000_000
KEYS = sorted(key for key in TOPICS if key != "markers")  # markers are for rviz only


class ListenerNode(SageNode):
    """Subscribes every topic."""

    default_name = "listener"

    def on_configure(self) -> None:
        self.heard: dict[str, list[Any]] = {key: [] for key in KEYS}
        self.healths: dict[str, InputHealth] = {
            key: self.subscribe(key, self.heard[key].append, **NAMES.get(key, {})) for key in KEYS
        }


def test_a_message_that_others_hold_too_is_not_changed():
    typed = GOOD["outcome"](header(0))
    stamped = stamped_now(typed, 5 * S)
    assert stamp_ns(stamped.header.stamp) == 5 * S and stamp_ns(typed.header.stamp) == 0
    assert stamped.reward == typed.reward
    assert stamped_now(stamped, 7 * S) is stamped


def span(outcome: Any) -> tuple[int, int]:
    return stamp_ns(outcome.start), stamp_ns(outcome.end)


def test_an_outcome_that_names_nothing_judges_the_second_up_to_its_stamp():
    typed = Outcome(reward=0.8)
    assert span(stamped_now(typed, 5 * S)) == (4 * S, 5 * S)
    assert span(typed) == (0, 0)
    assert span(stamped_now(GOOD["outcome"](header(7 * S)), 9 * S)) == (6 * S, 7 * S)
    assert span(stamped_now(typed, S // 2)) == (0, S // 2)


def test_an_outcome_that_names_what_it_judges_keeps_it():
    for named in ({"experience_id": "0190-a"}, {"plugin": "p"}):
        assert span(stamped_now(Outcome(**named), 5 * S)) == (0, 0)
    whole = Outcome(start=header(2 * S).stamp, end=header(3 * S).stamp)
    assert span(stamped_now(whole, 5 * S)) == (2 * S, 3 * S)


def test_a_stamp_of_zero_in_what_people_type_means_now(rig):
    typed = sorted(key for key, spec in TOPICS.items() if spec.zero_is_now)
    assert typed == ["battery_state", "outcome", "pose", "text"]
    node = rig.add(ListenerNode)
    for key in typed:
        before_ns = rig.now_ns()
        rig.publish(key, GOOD[key](header(0)))
        assert rig.until(lambda key=key: node.healths[key].received == 1), key
        heard = node.heard[key][0].header
        assert before_ns <= stamp_ns(heard.stamp) <= rig.now_ns()
        assert heard.frame_id == "frame"


def test_each_bad_message_is_counted_dropped_and_said_while_the_others_go_on(rig):
    node = rig.add(ListenerNode)
    wrong = {key: [] for key in KEYS}
    for key, field, change in WRONG:
        if field != "orientation":
            wrong[key].append(change)
    for key in KEYS:
        rig.publish(key, GOOD[key](header(rig.now_ns())), **NAMES.get(key, {}))
        assert rig.until(lambda key=key: node.healths[key].received == 1), key
    sent = dict.fromkeys(KEYS, 0)
    for key in KEYS:
        bad = []
        for change in wrong[key]:
            message = GOOD[key](header(rig.now_ns()))
            change(message)
            bad.append(message)
        if TOPICS[key].stamp_checked:
            bad.append(GOOD[key](header(rig.now_ns() + 3600 * S)))
            bad += [] if TOPICS[key].zero_is_now else [GOOD[key](header(0))]
        for message in bad:
            rig.publish(key, message, **NAMES.get(key, {}))
            sent[key] += 1
            # One by one: the middleware may drop sensor data that comes in a burst.
            assert rig.until(lambda key=key: node.healths[key].rejected == sent[key]), key
        rig.publish(key, GOOD[key](header(rig.now_ns())), **NAMES.get(key, {}))
        assert rig.until(lambda key=key: node.healths[key].received == 2), key
    assert all(len(node.heard[key]) == 2 for key in KEYS)
    assert min(sent.values()) >= 1 and sum(sent.values()) > 70
    for key in KEYS:
        topic = node.healths[key].topic
        assert rig.until(lambda topic=topic: any(f"{topic}: dropped" in x for x in rig.logs())), key
        lines = [line for line in rig.logs() if line.startswith(f"{topic}: dropped a message: ")]
        assert 1 <= len(lines) < max(sent[key], 2) and " = " in lines[0]


def test_a_message_of_another_modality_is_refused(rig):
    node = rig.add(ListenerNode)
    message = GOOD["puzzle"](header(rig.now_ns()))
    message.modality = "audio"
    rig.publish("puzzle", message, modality="vision")
    assert rig.until(lambda: node.healths["puzzle"].rejected == 1)
    assert (
        node.healths["puzzle"].last_fault == "modality = 'audio': expected 'vision' on this topic"
    )


class TellingNode(SageNode):
    """Keeps what was wrong with puzzles, and refuses those of one source itself."""

    default_name = "telling"

    def on_configure(self) -> None:
        self.faults: list[str] = []
        self.subscribe("puzzle", self._on_puzzle, self._on_rejected, modality="vision")

    def _on_puzzle(self, message: Any) -> None:
        if message.source == "rear":
            raise InvalidInput("source", message.source, "front")

    def _on_rejected(self, fault: InvalidInput) -> None:
        self.faults.append(fault.field)
        raise RuntimeError("telling failed, too")


def test_a_node_is_told_of_what_was_rejected_and_its_own_failure_stays_inside(rig):
    node = rig.add(TellingNode)
    wrong = {"header.stamp": header(rig.now_ns() + 3600 * S), "source": header(rig.now_ns())}
    for count, stamped in enumerate(wrong.values(), start=1):
        message = GOOD["puzzle"](stamped)
        message.source = "rear"
        rig.publish("puzzle", message, modality="vision")
        assert rig.until(lambda count=count: len(node.faults) == count)
    assert node.faults == list(wrong)
    assert any("telling failed, too" in line for line in rig.logs())
