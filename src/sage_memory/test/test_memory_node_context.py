"""What goes with a moment besides itself: place, speaker, and the salience of all modalities."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest

from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_memory import Memory, Query
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.msg import Outcome

T0 = DEFAULT_START_NS
FRAME = 1_000_000_000 // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8


def start(home: Path, **parameters) -> LockstepHost:
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", "payloads": False, **parameters})
    return host


def see(host: LockstepHost) -> None:
    for index, total in enumerate(PEAK):
        stamp = T0 + index * FRAME
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_for(3.0)


def diagnostics(host: LockstepHost) -> dict[str, str]:
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    (status,) = [s for s in arrays[-1].status if s.name.endswith("memory")]
    return {pair.key: pair.value for pair in status.values}


def test_a_moment_has_the_place_where_the_robot_was(tmp_path) -> None:
    host = start(tmp_path)
    host.publish("pose", inputs.pose(T0 - FRAME, 1.0))
    host.publish("pose", inputs.pose(T0 + 6 * FRAME, 2.5, sigma_m=0.3))
    see(host)
    (kept,) = host.messages("experience")
    assert kept.has_place
    assert (kept.place.header.frame_id, kept.place.pose.pose.position.x) == ("map", 2.5)
    assert kept.place.pose.covariance[7] == pytest.approx(0.09)
    assert diagnostics(host)["place_sigma_m"] == "0.30"
    host.close()


def test_vague_old_and_wrong_poses_give_none(tmp_path) -> None:
    host = start(tmp_path, max_place_sigma_m=0.5, max_place_age_s=2.0)
    host.publish("pose", inputs.pose(T0 - 5_000_000_000, 1.0))
    host.publish("pose", inputs.pose(T0 + FRAME, 2.0, sigma_m=0.6))
    wrong = inputs.pose(T0 + 2 * FRAME, float("nan"))
    host.publish("pose", wrong)
    see(host)
    (kept,) = host.messages("experience")
    assert not kept.has_place
    assert diagnostics(host)["vague_poses"] == "1"
    assert any("pose: dropped" in line.text and "position" in line.text for line in host.logs)
    host.close()


def test_what_is_seen_while_somebody_speaks_is_about_them(tmp_path) -> None:
    host = start(tmp_path)
    said = T0 + FRAME // 2
    host.publish("text", inputs.utterance(said, "a dog barks", "anna"))
    host.publish("puzzle", inputs.puzzle(said, "language", "a dog barks"), modality="language")
    host.publish("fused_salience", inputs.fused(said, 0.8, "language"))
    see(host)
    kept = host.messages("experience")
    assert {message.modality: message.entity for message in kept} == {
        "vision": "anna",
        "language": "anna",
    }
    host.close()


def test_nobody_speaks(tmp_path) -> None:
    host = start(tmp_path)
    see(host)
    (kept,) = host.messages("experience")
    assert (kept.entity, kept.has_place, kept.covers, kept.pinned) == ("", False, 0, False)
    host.close()


def test_the_context_is_kept_of_all_live_modalities(tmp_path) -> None:
    host = start(tmp_path)
    for index, total in enumerate(PEAK):
        stamp = T0 + index * FRAME
        fused = inputs.fused(stamp, total)
        for modality, valid in (("audio", True), ("language", False)):
            other = inputs.fused(stamp - 1, 0.1, modality).modalities[0]
            other.surprise, other.valid = 0.75, valid
            fused.modalities.append(other)
            fused.weights.append(0.5)
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", fused)
    host.run_for(3.0)
    host.close()
    with Memory.open(tmp_path, read_only=True) as memory:
        (answer,) = memory.recall(Query())
    assert answer.experience.context == {
        "vision": (0.1, 0.2, 0.3, 0.5, 0.4),
        "audio": (0.75, 0.2, 0.3, 0.5, 0.4),
    }


def test_outcomes_count_for_those_that_were_heard_and_seen(tmp_path) -> None:
    host = start(tmp_path)
    said = T0 + FRAME // 2
    host.publish("text", inputs.utterance(said, "a dog barks", "anna"))
    host.publish("puzzle", inputs.puzzle(said, "language", "a dog barks"), modality="language")
    host.publish("fused_salience", inputs.fused(said, 0.8, "language"))
    see(host)
    (seen,) = [kept for kept in host.messages("experience") if kept.modality == "vision"]
    with Memory.open(tmp_path, read_only=True) as memory:
        before = memory.entities()
    assert {"camera:front", "device:robot", "speaker:anna"} <= before.keys()
    outcome = Outcome(experience_id=seen.id, reward=-1.0, source="a test")
    outcome.header = inputs.header(T0 + 3_000_000_000)
    host.publish("outcome", outcome)
    unknown = Outcome(experience_id="00000000-0000-7000-8000-000000000000", reward=1.0)
    unknown.header = outcome.header
    host.publish("outcome", unknown)
    host.run_for(1.0)
    with Memory.open(tmp_path, read_only=True) as memory:
        after = memory.entities()
    for name in ("camera:front", "device:robot"):
        assert after[name].trust < before[name].trust
        assert after[name].observations == before[name].observations + 1
    host.close()


def test_a_moment_whose_sources_cannot_learn_is_kept_and_said(tmp_path, monkeypatch) -> None:
    def fails(memory, experience, half_life_s):
        return memory._writable().change(lambda connection: 1 / 0)

    monkeypatch.setattr(Memory, "learn_about", fails)
    host = start(tmp_path)
    see(host)
    host.close()
    assert len(host.messages("experience")) == 1
    assert any("not counted for its sources" in line.text for line in host.logs), host.logs
    with Memory.open(tmp_path, read_only=True) as memory:
        assert len(memory.recall(Query())) == 1
