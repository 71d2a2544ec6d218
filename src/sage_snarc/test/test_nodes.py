"""The nodes on the lock-step host: what comes in, what goes out, what is dropped."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo

from sage_common.core.puzzle import Percept
from sage_common.ros.lockstep import DEFAULT_START_NS, LockstepHost
from sage_common.ros.stamps import stamp_ns, to_stamp
from sage_msgs.msg import Experience, FusedSalience, Outcome, Puzzle, Salience
from sage_snarc.core.places import strongest
from sage_snarc.nodes.attention_node import AttentionNode
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

MS = 10**6
S = 10**9
T0 = DEFAULT_START_NS
Make = Callable[..., Percept]


def puzzle(item: Percept) -> Puzzle:
    message = Puzzle(modality=item.modality, source=item.source, encoder_id=item.encoder_id)
    message.header.stamp = to_stamp(item.stamp_ns)
    message.header.frame_id = "camera_front"
    message.codes = item.codes.ravel()
    message.embedding = array.array("f", item.embedding.tobytes())
    message.valid = True
    return message


def feed(host: LockstepHost, percept: Make, rows: np.ndarray, start_ns: int, **names: str) -> None:
    modality = names.get("modality", "vision")
    for index, row in enumerate(rows):
        stamp = start_ns + index * 33 * MS
        host.publish("puzzle", puzzle(percept(row, stamp, modality)), modality=modality)
        host.run_until(stamp)


def rows_of(count: int, seed: int = 0, size: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, size))


def test_one_salience_for_each_puzzle_with_its_header(host: LockstepHost, percept: Make) -> None:
    host.add(ScorerNode)
    feed(host, percept, rows_of(20), T0)
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


def test_an_invalid_puzzle_gives_a_defined_salience(host: LockstepHost, percept: Make) -> None:
    host.add(ScorerNode)
    feed(host, percept, rows_of(3), T0)
    bad = Puzzle(modality="vision", source="front", invalid_reason="lens covered")
    bad.header.stamp = to_stamp(T0 + 200 * MS)
    host.publish("puzzle", bad, modality="vision")
    host.run_until(T0 + 200 * MS)
    last = host.messages("salience", modality="vision")[-1]
    assert (last.valid, last.total, last.reward) == (False, 0.0, 0.5)
    assert last.invalid_reason == "lens covered"


def test_an_old_puzzle_gives_an_invalid_salience(host: LockstepHost, percept: Make) -> None:
    host.add(ScorerNode)
    host.run_until(T0 + 5 * S)
    host.publish("puzzle", puzzle(percept(np.ones(8), T0)), modality="vision")
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
    host: LockstepHost, percept: Make, change: Callable[[Puzzle], None], field: str
) -> None:
    host.add(ScorerNode)
    first = puzzle(percept(np.eye(2)[0], T0))
    host.publish("puzzle", first, modality="vision")
    host.run_until(T0)
    bad = puzzle(percept(np.eye(2)[0], T0 + 33 * MS))
    change(bad)
    bad_time = max(stamp_ns(bad.header.stamp), T0) if field != "stamp" else T0 + 33 * MS
    host.run_until(min(bad_time, T0 + 33 * MS))
    host.publish_serialized(
        T0 + 33 * MS, host.resolve("vision/puzzle"), "sage_msgs/msg/Puzzle", serialized(bad)
    )
    host.run_until(T0 + 66 * MS)
    good = puzzle(percept(np.eye(2)[1], T0 + 99 * MS))
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


def test_silence_is_said_and_is_no_fault_of_events(host: LockstepHost, percept: Make) -> None:
    host.add(ScorerNode, name="vision_scorer")
    host.add(ScorerNode, name="language_scorer", parameters={"modality": "language"})
    feed(host, percept, rows_of(5), T0)
    feed(host, percept, rows_of(5), T0 + 200 * MS, modality="language")
    host.run_until(T0 + 6 * S)
    vision = host.messages("salience", modality="vision")
    assert [item.valid for item in vision[:5]] == [True] * 5
    assert len(vision) > 5
    assert all((item.valid, item.total) == (False, 0.0) for item in vision[5:])
    assert vision[-1].invalid_reason.startswith("no input for ")
    assert all(item.valid for item in host.messages("salience", modality="language"))
    feed(host, percept, rows_of(1), T0 + 6 * S)
    assert host.messages("salience", modality="vision")[-1].valid


def test_learned_state_is_resumed(tmp_path: Path, percept: Make) -> None:
    rows = rows_of(60)
    whole = LockstepHost(home=tmp_path / "whole")
    whole.add(ScorerNode)
    feed(whole, percept, rows, T0)
    first = LockstepHost(home=tmp_path / "parts")
    first.add(ScorerNode)
    feed(first, percept, rows[:30], T0)
    first.close()
    second = LockstepHost(home=tmp_path / "parts", start_ns=first.clock.now_ns())
    second.add(ScorerNode)
    feed(second, percept, rows[30:], T0 + 30 * 33 * MS)
    assert (
        second.messages("salience", modality="vision")
        == whole.messages("salience", modality="vision")[30:]
    )


def test_outcomes_teach_by_span_and_by_experience(host: LockstepHost, percept: Make) -> None:
    host.add(ScorerNode)
    good, bad = rows_of(2, seed=5)
    feed(host, percept, np.stack([good, bad] * 5), T0)
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
    feed(host, percept, np.stack([good, bad]), now + 33 * MS)
    rewards = [item.reward for item in host.messages("salience", modality="vision")][-2:]
    assert rewards[0] > 0.7, [line.text for line in host.logs]
    assert rewards[1] < 0.3, [line.text for line in host.logs]
    assert any("experience_id" in line.text for line in host.logs)


def graph(host: LockstepHost) -> None:
    for modality in ("vision", "audio"):
        host.add(ScorerNode, name=f"{modality}_scorer", parameters={"modality": modality})
    host.add(FusionNode)
    host.add(AttentionNode)


def run_graph(host: LockstepHost, percept: Make, count: int = 90) -> None:
    """Vision 30/s and audio 10/s; vision moves on every second, audio is steady."""
    generator = np.random.default_rng(0)
    places = generator.standard_normal((4, 24))
    steady = generator.standard_normal(24)
    for index in range(count):
        stamp = T0 + index * 33 * MS
        row = places[index // 30 % 4] + 0.02 * generator.standard_normal(24)
        host.publish("puzzle", puzzle(percept(row, stamp)), modality="vision")
        if index % 3 == 0:
            item = percept(steady, stamp, "audio")
            host.publish("puzzle", puzzle(item), modality="audio")
        host.run_until(stamp)


def test_one_fused_salience_for_each_salience(host: LockstepHost, percept: Make) -> None:
    graph(host)
    run_graph(host, percept)
    fused = host.messages("fused_salience")
    assert len(fused) == 90 + 30
    assert {item.trigger_modality for item in fused} == {"vision", "audio"}
    last = fused[-1]
    assert [item.modality for item in last.modalities] == ["audio", "vision"]
    assert sum(last.weights) == pytest.approx(1.0)
    assert last.latency_ms == 0.0
    cut = max(
        (item for item in fused if stamp_ns(item.header.stamp) == T0 + 60 * 33 * MS),
        key=lambda item: item.total,
    )
    assert cut.dominant_modality == "vision"
    assert cut.total > 0.4
    assert cut.reason.startswith("vision: ")
    assert cut.novelty == next(i.novelty for i in cut.modalities if i.modality == "vision")
    assert last.modalities[1].conflict_known


def test_fusion_says_when_every_modality_is_silent(host: LockstepHost, percept: Make) -> None:
    graph(host)
    run_graph(host, percept, 10)
    host.run_until(T0 + 8 * S)
    fused = host.messages("fused_salience")
    assert not fused[-1].valid
    assert fused[-1].total == 0.0
    assert list(fused[-1].modalities) == []
    assert stamp_ns(fused[-1].header.stamp) >= T0 + 7 * S
    attention = host.messages("attention")[-1]
    assert not attention.valid
    assert attention.invalid_reason


def test_attention_points_at_the_change_in_pixels(host: LockstepHost, percept: Make) -> None:
    graph(host)
    info = CameraInfo(width=848, height=480)
    info.header.stamp = to_stamp(T0)
    host.publish("camera/info", info, name="front")
    still = np.full((30, 30), 4, np.uint8)
    for index in range(60):
        stamp = T0 + index * 33 * MS
        codes = still.copy()
        if index >= 45:
            codes[21:30, 3:12] = 9 if index % 2 else 0
        host.publish("puzzle", puzzle(percept(np.ones(8), stamp, codes=codes)), modality="vision")
        host.run_until(stamp)
    sent = host.messages("attention")
    times = [stamp_ns(item.header.stamp) for item in sent]
    assert 15 <= len(sent) <= 21
    assert len(set(times)) == len(times)
    quiet = [item for item in sent if stamp_ns(item.header.stamp) < T0 + 45 * 33 * MS]
    assert not any(item.valid for item in quiet)
    found = next(item for item in sent if item.valid)
    assert found.modality == "vision"
    assert (found.x_min, found.x_max) == (pytest.approx(0.1), pytest.approx(0.4))
    assert (found.y_min, found.y_max) == (pytest.approx(0.7), pytest.approx(1.0))
    # The encoder's square is 480 px wide and begins at (848 - 480) / 2.
    assert found.roi.x_offset == 184 + 48
    assert found.roi.width == 144
    assert found.confidence > 0.9
    assert "strongest at bottom left" in found.reason
    assert found.regions[0].place == "bottom left"
    assert found.regions[0].roi == found.roi


def test_pictures_only_while_somebody_looks(tmp_path: Path, percept: Make) -> None:
    blind = LockstepHost(home=tmp_path / "blind")
    graph(blind)
    run_graph(blind, percept, 40)
    assert blind.messages("markers") == []
    assert blind.messages("heatmap") == []
    watched = LockstepHost(home=tmp_path / "watched", watched=("markers", "heatmap"))
    graph(watched)
    run_graph(watched, percept, 40)
    markers = watched.messages("markers")
    assert markers
    assert {marker.ns for marker in markers[-1].markers if marker.ns} == {"bars", "labels"}
    bars = [marker for marker in markers[-1].markers if marker.ns == "bars"]
    assert len(bars) == 3
    heat = watched.messages("heatmap")[-1]
    assert (heat.encoding, heat.width, heat.height) == ("rgb8", 240, 240)


def test_two_runs_are_byte_identical(tmp_path: Path, percept: Make) -> None:
    digests = set()
    for name in ("one", "two"):
        host = LockstepHost(home=tmp_path / name)
        graph(host)
        run_graph(host, percept, 60)
        digests.add(host.digest())
    assert len(digests) == 1


def test_fusion_drops_malformed_salience(host: LockstepHost, percept: Make) -> None:
    host.add(FusionNode)
    for change in (
        {"total": float("nan")},
        {"total": 1.5},
        {"modality": "smell"},
        {"grid_rows": 4, "grid_columns": 4},
    ):
        message = Salience(modality="vision", reward=0.5, valid=True)
        message.header.stamp = to_stamp(host.clock.now_ns())
        for field, value in change.items():
            setattr(message, field, value)
        host.publish("salience", message, modality="vision")
        host.run_for(1.1)
    assert host.messages("fused_salience") == []
    assert len([line for line in host.logs if "dropped" in line.text]) == 4


def test_attention_names_the_best_regions_of_sound(host: LockstepHost) -> None:
    host.add(AttentionNode, parameters={"regions": 2})
    grid = np.zeros((10, 10), np.float32)
    grid[0:3, 7:10] = 0.9
    grid[7:10, 3:6] = 0.6
    grid[7:10, 0:3] = 0.3
    heard = Salience(modality="audio", source="front", total=0.8, reason="audio: loud", valid=True)
    heard.grid_rows = heard.grid_columns = 10
    heard.grid = array.array("f", grid.tobytes())
    message = FusedSalience(dominant_modality="audio", total=0.8, reward=0.5, valid=True)
    message.modalities, message.weights = [heard], array.array("f", [1.0])
    message.header.stamp = to_stamp(T0)
    host.publish("fused_salience", message)
    host.run_until(T0)
    (sent,) = host.messages("attention")
    assert [region.place for region in sent.regions] == [
        "below 860 Hz, 0.2 s ago",
        "above 3.4 kHz, 0.7 s ago",
    ]
    assert sent.reason == "audio: loud; strongest at below 860 Hz, 0.2 s ago"
    first, second = sent.regions
    assert (sent.x_min, sent.y_max, sent.confidence) == (first.x_min, first.y_max, first.confidence)
    assert first.confidence > second.confidence > 0.0
    assert sent.roi.width == 0


def test_attention_without_any_grid_is_invalid(host: LockstepHost) -> None:
    host.add(AttentionNode)
    message = FusedSalience(dominant_modality="language", total=0.8, reward=0.5, valid=True)
    message.modalities = [Salience(modality="language", total=0.8, reward=0.5, valid=True)]
    message.weights = array.array("f", [1.0])
    message.header.stamp = to_stamp(T0)
    host.publish("fused_salience", message)
    host.run_until(T0)
    sent = host.messages("attention")
    assert len(sent) == 1
    assert not sent[0].valid
    assert sent[0].invalid_reason == "no live modality has a grid"


def test_learned_weights_are_told_at_start_after_outcomes_and_after_a_restart(
    tmp_path: Path, percept: Make
) -> None:
    host = LockstepHost(home=tmp_path)
    graph(host)
    run_graph(host, percept, 30)
    (first,) = host.messages("fusion/weights")
    assert (stamp_ns(first.header.stamp), first.trust, first.successes) == (0, 0.0, 0)
    assert first.names[-2:] == ["conflict", "equal"]
    assert np.isnan(first.auroc_fused)
    now = host.clock.now_ns()
    for start, reward in ((0, 1.0), (10, -0.5), (-3600, 1.0)):
        outcome = Outcome(reward=reward)
        outcome.header.stamp = to_stamp(now)
        outcome.start = outcome.end = to_stamp(T0 + start * 33 * MS)
        host.publish("outcome", outcome)
        host.run_until(now)
    # The last is about a time before the first tick.
    told = host.messages("fusion/weights")
    assert [(item.successes, item.failures) for item in told] == [(0, 0), (1, 0), (1, 1)]
    assert stamp_ns(told[-1].header.stamp) == now
    assert 0.0 <= told[-1].auroc_fused <= 1.0
    host.close()
    later = LockstepHost(home=tmp_path, start_ns=now)
    later.add(FusionNode)
    later.run_until(now)
    assert later.messages("fusion/weights") == told[-1:]
