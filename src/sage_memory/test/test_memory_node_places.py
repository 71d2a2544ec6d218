"""Places are named through the memory node, by its service and by what is said, and asked for."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest

from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import NamePlace, Recall

T0 = DEFAULT_START_NS
S = 1_000_000_000
FRAME = S // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8


def start(home: Path) -> LockstepHost:
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", "payloads": False})
    return host


def name(host: LockstepHost, text: str, forget: bool = False) -> NamePlace.Response:
    return host.call("memory/name_place", NamePlace.Request(name=text, forget=forget))


def keep(host: LockstepHost, first_ns: int, x: float) -> None:
    """A salient moment at a place."""
    host.publish("pose", inputs.pose(first_ns - FRAME, x))
    for index, total in enumerate(PEAK):
        stamp = first_ns + index * FRAME
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_until(first_ns + len(PEAK) * FRAME)


def test_a_place_is_named_where_the_robot_is_and_asked_for(tmp_path: Path) -> None:
    host = start(tmp_path)
    refused = name(host, "kitchen")
    assert not refused.success and "pose = 'none': expected a pose of now" in refused.message
    keep(host, T0 + S, 1.0)
    done = name(host, "the Kitchen")
    assert done.success, done.message
    assert (done.frame, done.centre.x, done.namings) == ("map", 1.0, 1)
    assert done.radius_m == pytest.approx(2.2)
    keep(host, T0 + 100 * S, 50.0)
    far = name(host, "kitchen " + "x" * 64)
    assert not far.success and "letters or digits" in far.message
    asked = Recall.Request(text="what happened in the kitchen?")
    found = host.call("memory/recall", asked)
    assert found.success, found.message
    assert found.message.startswith("kitchen: within 2.2 m of 1.0, 0.0 in map\nno words left")
    assert [one.place.pose.pose.position.x for one in found.experiences] == [1.0]
    later = Recall.Request(text="what happened in the last two minutes?")
    assert len(host.call("memory/recall", later).experiences) == 2
    newest = host.call("memory/recall", Recall.Request(text="what happened last?"))
    assert [one.place.pose.pose.position.x for one in newest.experiences] == [50.0, 1.0]
    literal = Recall.Request(text="what happened last?", literal=True)
    assert "language/embed: no node serves it" in host.call("memory/recall", literal).message
    assert name(host, "kitchen", forget=True).message == "kitchen is forgotten"
    assert "a place that is known" in name(host, "kitchen", forget=True).message
    host.close()


def test_a_place_is_learnt_from_what_is_said_there(tmp_path: Path) -> None:
    host = start(tmp_path)
    host.publish("text", inputs.utterance(T0 + FRAME, "this is the hall"))
    host.run_until(T0 + S)
    assert any("hall" not in line.text and "not learnt" in line.text for line in host.logs)
    host.publish("pose", inputs.pose(T0 + 2 * S, 1.0))
    host.publish("text", inputs.utterance(T0 + 2 * S + FRAME, "This is the kitchen."))
    host.publish("pose", inputs.pose(T0 + 4 * S, 4.0))
    host.publish("text", inputs.utterance(T0 + 4 * S + FRAME, "we are in the kitchen"))
    host.publish("text", inputs.utterance(T0 + 4 * S + 2 * FRAME, "this is the end"))
    host.run_until(T0 + 5 * S)
    done = name(host, "kitchen")
    assert (done.namings, done.centre.x) == (3, 2.5)
    assert done.radius_m == pytest.approx(2.2 + 1.5)
    assert not name(host, "end", forget=True).success
    host.close()
