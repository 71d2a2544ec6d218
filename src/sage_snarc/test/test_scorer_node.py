"""A scorer node on the lock-step host: what comes in, what goes out, what is dropped."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_common.core.specs.places import PICTURE, strongest
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_msgs.msg import Experience, Outcome, Puzzle
from sage_snarc.nodes.scorer_node import ScorerNode

MS = 10**6
S = 10**9
T0 = DEFAULT_START_NS
Make = Callable[..., Puzzle]


def feed(host: LockstepHost, puzzle: Make, rows: np.ndarray, start_ns: int, **names: str) -> None:
    modality = names.get("modality", "vision")
    for index, row in enumerate(rows):
        stamp = start_ns + index * 33 * MS
        host.publish("puzzle", puzzle(row, stamp, modality), modality=modality)
        host.run_until(stamp)


def rows_of(count: int, seed: int = 0, size: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size))


def test_one_salience_for_each_puzzle_with_its_header(host: LockstepHost, puzzle: Make) -> None:
    host.add(ScorerNode)
    feed(host, puzzle, rows_of(20), T0)
    sent = host.messages("salience", modality="vision")
    assert [stamp_ns(item.header.stamp) for item in sent] == [T0 + i * 33 * MS for i in range(20)]
    last = sent[-1]
    assert (last.modality, last.source, last.header.frame_id) == ("vision", "front", "camera_front")
    assert (last.grid_rows, last.grid_columns, len(last.grid)) == (10, 10, 100)
    assert last.valid
    assert not last.conflict_known
    assert last.novelty > 0.5
    assert last.reason.startswith("vision: ")


def test_a_scorer_names_places_of_its_sense(host: LockstepHost) -> None:
    node = host.add(ScorerNode, parameters={"modality": "audio"})
    loud = strongest(np.eye(10, dtype=np.float32)[:1].repeat(10, axis=0))
    assert node.make_scorer().places.name(loud) == "below 260 Hz, 0.9 s ago"


def test_an_instance_is_scored_as_its_kind_is(host: LockstepHost) -> None:
    given = {"modality": "radio", "instances": ["radio language"]}
    node = host.add(ScorerNode, parameters=given)
    corner = strongest(np.eye(10, dtype=np.float32)[:1])
    assert node.make_scorer().places.name(corner) != PICTURE.name(corner)
    assert node.silence_limit_s == node.frozen_limit_s == 0.0, "words come by events"


def test_an_invalid_puzzle_gives_a_defined_salience(host: LockstepHost, puzzle: Make) -> None:
    host.add(ScorerNode)
    feed(host, puzzle, rows_of(3), T0)
    bad = Puzzle(modality="vision", source="front", invalid_reason="lens covered")
    bad.header.stamp = to_stamp(T0 + 200 * MS)
    host.publish("puzzle", bad, modality="vision")
    host.run_until(T0 + 200 * MS)
    last = host.messages("salience", modality="vision")[-1]
    assert (last.valid, last.total, last.reward) == (False, 0.0, 0.5)
    assert last.invalid_reason == "lens covered"


def test_an_old_puzzle_gives_an_invalid_salience(host: LockstepHost, puzzle: Make) -> None:
    host.add(ScorerNode)
    host.run_until(T0 + 5 * S)
    host.publish("puzzle", puzzle(np.ones(8), T0), modality="vision")
    host.run_until(T0 + 5 * S)
    last = host.messages("salience", modality="vision")[-1]
    assert (last.valid, last.total) == (False, 0.0)
    assert last.invalid_reason == "input is 5.0 s old"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda m: setattr(m, "embedding", array.array("f", [2.0, 0.0])), "embedding"),
        (lambda m: setattr(m, "embedding", array.array("f", [1.0, 0.0, 0.0])), "embedding"),
        (lambda m: setattr(m, "embedding", array.array("f", [float("nan"), 0.0])), "embedding"),
        (lambda m: setattr(m, "embedding", array.array("f")), "embedding"),
        (lambda m: setattr(m, "codes", np.full(900, 10, np.uint8)), "codes"),
        (lambda m: setattr(m, "modality", "smell"), "modality"),
        (lambda m: setattr(m.header, "stamp", to_stamp(T0 + 3600 * S)), "stamp"),
    ],
)
def test_a_malformed_puzzle_is_dropped_with_one_clear_line(
    host: LockstepHost, puzzle: Make, change: Callable[[Puzzle], None], field: str
) -> None:
    host.add(ScorerNode)
    first = puzzle(np.eye(2)[0], T0)
    host.publish("puzzle", first, modality="vision")
    host.run_until(T0)
    bad = puzzle(np.eye(2)[0], T0 + 33 * MS)
    change(bad)
    bad_time = max(stamp_ns(bad.header.stamp), T0) if field != "stamp" else T0 + 33 * MS
    host.run_until(min(bad_time, T0 + 33 * MS))
    host.publish_serialized(
        T0 + 33 * MS, host.resolve("vision/puzzle"), "sage_msgs/msg/Puzzle", serialized(bad)
    )
    host.run_until(T0 + 66 * MS)
    good = puzzle(np.eye(2)[1], T0 + 99 * MS)
    host.publish("puzzle", good, modality="vision")
    host.run_until(T0 + 99 * MS)
    lines = [line.text for line in host.logs if line.level == "warning"]
    assert len(lines) == 1
    assert field in lines[0]
    sent = host.messages("salience", modality="vision")
    assert [item.valid for item in sent if stamp_ns(item.header.stamp) == T0 + 99 * MS] == [True]
    assert all(item.total == 0.0 for item in sent if not item.valid)


def serialized(message: Any) -> bytes:
    from rclpy.serialization import serialize_message

    return serialize_message(message)


def test_silence_is_said_and_is_no_fault_of_events(host: LockstepHost, puzzle: Make) -> None:
    host.add(ScorerNode, name="vision_scorer")
    host.add(ScorerNode, name="language_scorer", parameters={"modality": "language"})
    feed(host, puzzle, rows_of(5), T0)
    feed(host, puzzle, rows_of(5), T0 + 200 * MS, modality="language")
    host.run_until(T0 + 6 * S)
    vision = host.messages("salience", modality="vision")
    assert [item.valid for item in vision[:5]] == [True] * 5
    assert len(vision) > 5
    assert all((item.valid, item.total) == (False, 0.0) for item in vision[5:])
    assert vision[-1].invalid_reason.startswith("no input for ")
    assert all(item.valid for item in host.messages("salience", modality="language"))
    feed(host, puzzle, rows_of(1), T0 + 6 * S)
    assert host.messages("salience", modality="vision")[-1].valid


def test_learned_state_is_resumed(tmp_path: Path, puzzle: Make) -> None:
    rows = rows_of(60)
    whole = LockstepHost(home=tmp_path / "whole")
    whole.add(ScorerNode)
    feed(whole, puzzle, rows, T0)
    first = LockstepHost(home=tmp_path / "parts")
    first.add(ScorerNode)
    feed(first, puzzle, rows[:30], T0)
    first.close()
    second = LockstepHost(home=tmp_path / "parts", start_ns=first.clock.now_ns())
    second.add(ScorerNode)
    feed(second, puzzle, rows[30:], T0 + 30 * 33 * MS)
    assert (
        second.messages("salience", modality="vision")
        == whole.messages("salience", modality="vision")[30:]
    )


def test_an_outcome_of_a_reward_alone_teaches_what_was_just_there(
    host: LockstepHost, puzzle: Make
) -> None:
    host.add(ScorerNode)
    before, now_there = rows_of(2, seed=5)
    feed(host, puzzle, np.stack([before] * 30), T0)
    feed(host, puzzle, np.stack([now_there] * 30), host.clock.now_ns() + 2_000 * MS)
    host.publish("outcome", Outcome(reward=1.0))
    feed(host, puzzle, np.stack([before, now_there]), host.clock.now_ns() + 33 * MS)
    rewards = [item.reward for item in host.messages("salience", modality="vision")][-2:]
    assert rewards[1] > 0.7 > rewards[0], [line.text for line in host.logs]
    assert not any("dropped" in line.text for line in host.logs)


def test_outcomes_teach_by_span_and_by_experience(host: LockstepHost, puzzle: Make) -> None:
    host.add(ScorerNode)
    good, bad = rows_of(2, seed=5)
    feed(host, puzzle, np.stack([good, bad] * 5), T0)
    now = host.clock.now_ns()
    span = Outcome(reward=1.0)
    span.header.stamp = to_stamp(now)
    span.start = span.end = to_stamp(T0)
    host.publish("outcome", span)
    experience = Experience(id="0190-a", modality="vision", reward=0.5)
    experience.start = experience.end = to_stamp(T0 + 33 * MS)
    experience.header.stamp = to_stamp(now)
    host.publish("experience", experience)
    judged = Outcome(reward=-1.0, experience_id="0190-a")
    judged.header.stamp = to_stamp(now)
    host.run_until(now)
    host.publish("outcome", judged)
    host.run_until(now)
    unknown = Outcome(reward=-1.0, experience_id="0190-b")
    unknown.header.stamp = to_stamp(now)
    host.publish("outcome", unknown)
    host.run_until(now)
    feed(host, puzzle, np.stack([good, bad]), now + 33 * MS)
    rewards = [item.reward for item in host.messages("salience", modality="vision")][-2:]
    assert rewards[0] > 0.7, [line.text for line in host.logs]
    assert rewards[1] < 0.3, [line.text for line in host.logs]
    assert any("experience_id" in line.text for line in host.logs)
