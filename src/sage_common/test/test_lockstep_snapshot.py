"""A graph in lock-step that is left between two events and taken up is as if it never was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_nodes import ToyNode

from sage_common.core.errors import CannotContinue
from sage_common.core.state import file as state_file
from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.audio import audio_info
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.lockstep.snapshot import identity_of, resume, snapshot_of
from sage_common.ros.node import SageNode
from sage_msgs.msg import Outcome, Utterance

WORDS_S = (0.05, 0.25, 0.5, 0.77, 1.0, 1.31)
END_S = 3.0


class TimedNode(SageNode):
    """Timers that meet, random numbers, a warning that is throttled, a latched message."""

    default_name = "timed"

    told: Transient[str]

    def on_configure(self) -> None:
        self.told = ""
        self.output = self.publisher("outcome")
        self.info = self.publisher("microphone/info", name="front")
        # Those with the longer period were armed earlier, and fire first where they meet.
        for period_s in (0.1, 0.25, 0.5):
            self.timer(period_s, lambda period_s=period_s: self.tell(f"every {period_s:g}"))
        self.once = self.timer(0.3, self.end)

    def on_activate(self) -> None:
        self.info.publish(audio_info())

    def end(self) -> None:
        self.once.cancel()
        self.tell("once")

    def tell(self, text: str) -> None:
        self.told += text[-1]
        self.log.warning("told", throttle_s=0.7, key="told")
        note = f"{text}, {self.rng.integers(1000)}, {len(self.told)}"
        message = Outcome(note=note, start=to_stamp(1), end=to_stamp(self.clock.now_ns()))
        self.output.publish(message)


def built(home: Path, start_ns: int | None = None) -> LockstepHost:
    graph = LockstepHost(home=home) if start_ns is None else LockstepHost(start_ns, home=home)
    if start_ns is None:
        graph.add(TimedNode)
        graph.add(ToyNode)
        return graph
    with graph.preparing():
        graph.add(TimedNode)
        graph.add(ToyNode)
    return graph


def say(graph: LockstepHost, first_ns: int, since_s: float, until_s: float) -> None:
    """Speak what is due in a span, and run to its end."""
    for at_s in WORDS_S:
        if since_s < at_s <= until_s:
            at_ns = first_ns + round(at_s * 1e9)
            graph.run_until(at_ns - 1)
            message = Utterance(text=f"word at {at_s}", confidence=1.0)
            message.header.stamp = to_stamp(at_ns)
            graph.publish("text", message)
    graph.run_until(first_ns + round(until_s * 1e9))


def seen(graph: LockstepHost) -> list[object]:
    return [(item.time_ns, item.topic, item.data) for item in graph.outputs]


def test_what_comes_out_after_cuts_is_what_would_have_come_out(tmp_path):
    whole = built(tmp_path / "whole")
    first_ns = whole.clock.now_ns()
    say(whole, first_ns, -1.0, END_S)
    graph, since_s, parts, logs = built(tmp_path / "parts"), -1.0, [], []
    for cut_s in (0.2, 0.3, 0.5, 1.0, 1.1):
        say(graph, first_ns, since_s, cut_s)
        path = tmp_path / "cut.state"
        state_file.save(path, snapshot_of(graph), identity_of(graph))
        parts, logs, since_s = parts + seen(graph), logs + graph.logs, cut_s
        now_ns = graph.clock.now_ns()
        graph.close()
        graph = built(tmp_path / "parts", now_ns)
        resume(graph, state_file.load(path).arrays)
    late = graph.add(ToyNode, "late")
    say(graph, first_ns, since_s, END_S)
    late_said = [item for item in seen(graph) if b"/late" in item[2]]
    assert late.rates == [16000], "a latched message waits for who comes after the cut"
    after = [item for item in seen(graph) if item not in late_said]
    assert [i for i in parts + after if i[1] != "/sage/outcome"] == [
        i for i in seen(whole) if i[1] != "/sage/outcome"
    ]
    ours = [i for i in parts + after if b"every" in i[2] or b"once" in i[2]]
    assert ours == [i for i in seen(whole) if b"every" in i[2] or b"once" in i[2]]
    assert [line.text for line in logs + graph.logs] == [line.text for line in whole.logs]


class SpeakerNode(SageNode):
    """Publishes a rate on a latched topic when told to."""

    default_name = "speaker"

    def on_configure(self) -> None:
        self.info = self.publisher("microphone/info", name="front")

    def tell(self, rate: int) -> None:
        self.info.publish(audio_info(rate))


def resumed(home: Path, left: dict[str, np.ndarray], now_ns: int) -> LockstepHost:
    graph = LockstepHost(now_ns, home=home)
    with graph.preparing():
        for name in ("one", "two"):
            graph.add(SpeakerNode, name)
    resume(graph, left)
    return graph


def left_after(home: Path, *said: tuple[int, int]) -> tuple[dict[str, np.ndarray], int]:
    """A graph of two that is left after they said these rates: which of them, and the rate."""
    graph = LockstepHost(home=home)
    speakers = [graph.add(SpeakerNode, name) for name in ("one", "two")]
    for index, rate in said:
        speakers[index].tell(rate)
    graph.run_for(0.1)
    return snapshot_of(graph), graph.clock.now_ns()


def heard_late(graph: LockstepHost) -> list[int]:
    late = graph.add(ToyNode)
    graph.run_for(0.1)
    return late.rates


def test_latched_messages_of_each_publisher_wait_for_who_comes_after_the_cut(tmp_path):
    left, now_ns = left_after(tmp_path, (1, 8000), (0, 16000), (1, 44100))
    assert heard_late(resumed(tmp_path, left, now_ns)) == [16000, 44100]
    graph = resumed(tmp_path, left, now_ns)
    graph.nodes[0].tell(48000)
    assert heard_late(graph) == [44100, 48000], "each replaces its own, as without the cut"


@pytest.mark.parametrize("wrong", ["still to come", "not active"])
def test_a_graph_that_is_not_at_rest_cannot_be_left(tmp_path, wrong):
    graph = built(tmp_path)
    graph.run_for(0.05)
    if wrong == "not active":
        graph.nodes[0].deactivate()
    else:
        message = Utterance(text="later", confidence=1.0)
        message.header.stamp = to_stamp(graph.clock.now_ns() + 10**9)
        graph.publish("text", message)
    with pytest.raises(CannotContinue, match=wrong):
        snapshot_of(graph)


def test_a_graph_with_other_inputs_is_refused(tmp_path):
    graph = built(tmp_path)
    graph.run_for(0.05)
    left = snapshot_of(graph)
    other = LockstepHost(graph.clock.now_ns(), home=tmp_path / "other")
    other.add(TimedNode)
    other.add(TimedNode, "toy")
    with pytest.raises((KeyError, ValueError)):
        resume(other, left)
