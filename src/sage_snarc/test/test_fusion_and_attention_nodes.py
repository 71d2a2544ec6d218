"""Fusion and attention on the lock-step host, behind two scorers."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo

from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_msgs.msg import FusedSalience, MetabolicState, Outcome, Puzzle, Salience
from sage_snarc.nodes.attention_node import AttentionNode
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

MS = 10**6
S = 10**9
T0 = DEFAULT_START_NS
Make = Callable[..., Puzzle]


def graph(host: LockstepHost) -> None:
    for modality in ("vision", "audio"):
        host.add(ScorerNode, name=f"{modality}_scorer", parameters={"modality": modality})
    host.add(FusionNode)
    host.add(AttentionNode)


def run_graph(host: LockstepHost, puzzle: Make, count: int = 90) -> None:
    """Vision 30/s and audio 10/s; vision moves on every second, audio is steady."""
    generator = np.random.default_rng(0)
    places = generator.standard_normal((4, 24))
    steady = generator.standard_normal(24)
    for index in range(count):
        stamp = T0 + index * 33 * MS
        row = places[index // 30 % 4] + 0.02 * generator.standard_normal(24)
        host.publish("puzzle", puzzle(row, stamp), modality="vision")
        if index % 3 == 0:
            host.publish("puzzle", puzzle(steady, stamp, "audio"), modality="audio")
        host.run_until(stamp)


def test_one_fused_salience_for_each_salience(host: LockstepHost, puzzle: Make) -> None:
    graph(host)
    run_graph(host, puzzle)
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


def test_the_most_salient_message_of_each_second_comes_once_more(
    host: LockstepHost, puzzle: Make
) -> None:
    graph(host)
    run_graph(host, puzzle)
    peaks, second = 0, list[FusedSalience]()
    for output in host.outputs:
        if output.topic == "/sage/salience":
            second.append(output.message())
        elif output.topic == "/sage/salience/peak":
            assert output.message() == max(second, key=lambda message: message.total)
            peaks, second = peaks + 1, []
    assert peaks == 2 and second, "the third second has not ended"


def test_fusion_says_when_every_modality_is_silent(host: LockstepHost, puzzle: Make) -> None:
    graph(host)
    run_graph(host, puzzle, 10)
    host.run_until(T0 + 8 * S)
    fused = host.messages("fused_salience")
    assert not fused[-1].valid
    assert fused[-1].total == 0.0
    assert list(fused[-1].modalities) == []
    assert stamp_ns(fused[-1].header.stamp) >= T0 + 7 * S
    attention = host.messages("attention")[-1]
    assert not attention.valid
    assert attention.invalid_reason


def test_attention_points_at_the_change_in_pixels(host: LockstepHost, puzzle: Make) -> None:
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
        host.publish("puzzle", puzzle(np.ones(8), stamp, codes=codes), modality="vision")
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


def test_pictures_only_while_somebody_looks(tmp_path: Path, puzzle: Make) -> None:
    blind = LockstepHost(home=tmp_path / "blind")
    graph(blind)
    run_graph(blind, puzzle, 40)
    assert blind.messages("markers") == []
    assert blind.messages("heatmap") == []
    watched = LockstepHost(home=tmp_path / "watched", watched=("markers", "heatmap"))
    graph(watched)
    state = MetabolicState(state=MetabolicState.REST, cycle_ms=100.0, reason="all is quiet")
    watched.publish("state", state)
    run_graph(watched, puzzle, 40)
    markers = watched.messages("markers")
    assert markers
    shown = {marker.ns for marker in markers[-1].markers if marker.ns}
    assert shown == {"bars", "labels", "state"}
    assert markers[-1].markers[-1].text == "REST\nall is quiet"
    bars = [marker for marker in markers[-1].markers if marker.ns == "bars"]
    assert len(bars) == 3
    heat = watched.messages("heatmap")[-1]
    assert (heat.encoding, heat.width, heat.height) == ("rgb8", 240, 240)


@pytest.mark.parametrize(
    ("modality", "sensed_in", "shown_in"),
    [
        ("vision", "camera_front_optical_frame", "camera_front_optical_frame"),
        ("proprioception", "", "base_link"),
        ("language", "heard_words", "base_link"),
    ],
)
def test_a_heat_map_is_in_a_frame_that_rviz_can_know(
    tmp_path: Path, modality: str, sensed_in: str, shown_in: str
) -> None:
    host = LockstepHost(home=tmp_path, watched=("heatmap",))
    host.add(AttentionNode)
    found = Salience(modality=modality, reward=0.5, total=0.6, alarms_per_hour=60.0, valid=True)
    found.header.stamp, found.header.frame_id = to_stamp(T0), sensed_in
    found.grid_rows = found.grid_columns = 5
    found.grid = array.array("f", [0.5] * 25)
    fused = FusedSalience(header=found.header, modalities=[found], weights=[1.0])
    fused.alarms_per_hour, fused.dominant_modality = 60.0, modality
    host.publish("fused_salience", fused)
    host.run_for(0.1)
    assert not host.logs, host.logs
    (heat,) = host.messages("heatmap")
    assert heat.header.frame_id == shown_in


def test_two_runs_are_byte_identical(tmp_path: Path, puzzle: Make) -> None:
    digests = set()
    for name in ("one", "two"):
        host = LockstepHost(home=tmp_path / name)
        graph(host)
        run_graph(host, puzzle, 60)
        digests.add(host.digest())
    assert len(digests) == 1


def test_fusion_drops_malformed_salience(host: LockstepHost, puzzle: Make) -> None:
    host.add(FusionNode)
    for change in (
        {"total": float("nan")},
        {"total": 1.5},
        {"modality": "smell"},
        {"grid_rows": 4, "grid_columns": 4},
    ):
        message = Salience(modality="vision", reward=0.5, alarms_per_hour=60.0, valid=True)
        message.header.stamp = to_stamp(host.clock.now_ns())
        for field, value in change.items():
            setattr(message, field, value)
        host.publish("salience", message, modality="vision")
        host.run_for(1.1)
    assert host.messages("fused_salience") == []
    assert len([line for line in host.logs if "dropped" in line.text]) == 4


@pytest.mark.parametrize("modality", ["audio", "rear"])
def test_attention_names_the_best_regions_of_sound(host: LockstepHost, modality: str) -> None:
    host.add(AttentionNode, parameters={"regions": 2, "instances": ["rear audio"]})
    grid = np.zeros((10, 10), np.float32)
    grid[0:3, 7:10] = 0.9
    grid[7:10, 3:6] = 0.6
    grid[7:10, 0:3] = 0.3
    heard = Salience(modality=modality, source="front", total=0.8, reason="audio: loud", valid=True)
    heard.alarms_per_hour = 60.0
    heard.grid_rows = heard.grid_columns = 10
    heard.grid = array.array("f", grid.tobytes())
    message = FusedSalience(dominant_modality=modality, total=0.8, reward=0.5, valid=True)
    message.alarms_per_hour = 60.0
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
    assert (round(sent.salience, 6), sent.alarms_per_hour) == (0.8, 60.0)


def test_attention_comes_once_a_cycle_while_cycles_are_long(host: LockstepHost) -> None:
    host.add(AttentionNode)
    counts = []
    for cycle_ms in (100.0, 500.0, 100.0):
        host.publish("state", MetabolicState(cycle_ms=cycle_ms))
        before = len(host.messages("attention"))
        for _ in range(40):
            host.publish("fused_salience", of_words(host.clock.now_ns()))
            host.run_for(0.05)
        counts.append(len(host.messages("attention")) - before)
    assert counts == [20, 4, 20]


def of_words(stamp: int) -> FusedSalience:
    """Fused salience of language alone, which has no grid."""
    message = FusedSalience(dominant_modality="language", total=0.8, reward=0.5, valid=True)
    message.modalities = [Salience(modality="language", total=0.8, reward=0.5, valid=True)]
    message.alarms_per_hour = message.modalities[0].alarms_per_hour = 60.0
    message.weights = array.array("f", [1.0])
    message.header.stamp = to_stamp(stamp)
    return message


def test_attention_without_any_grid_is_invalid(host: LockstepHost) -> None:
    host.add(AttentionNode)
    host.publish("fused_salience", of_words(T0))
    host.run_until(T0)
    sent = host.messages("attention")
    assert len(sent) == 1
    assert not sent[0].valid
    assert sent[0].invalid_reason == "no live modality has a grid"


def test_learned_weights_are_told_at_start_after_outcomes_and_after_a_restart(
    tmp_path: Path, puzzle: Make
) -> None:
    host = LockstepHost(home=tmp_path)
    graph(host)
    run_graph(host, puzzle, 30)
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


@pytest.mark.parametrize("who", ["scorer", "fusion"])
def test_grids_are_left_out_where_they_are_not_wanted(
    host: LockstepHost, puzzle: Make, who: str
) -> None:
    host.add(ScorerNode, name="vision_scorer", parameters={"grid": who != "scorer"})
    host.add(FusionNode, parameters={"grids": who != "fusion"})
    host.add(AttentionNode)
    generator = np.random.default_rng(0)
    for index in range(20):
        stamp = T0 + index * 33 * MS
        host.publish("puzzle", puzzle(generator.standard_normal(24), stamp), modality="vision")
        host.run_until(stamp)
    own = host.messages("salience", modality="vision")[-1]
    fused = host.messages("fused_salience")[-1].modalities[0]
    assert len(own.grid) == (0 if who == "scorer" else 100)
    assert (len(fused.grid), fused.grid_rows, fused.grid_columns) == (0, 0, 0)
    assert fused.total == own.total
    attention = host.messages("attention")[-1]
    assert not attention.valid and "no live modality has a grid" in attention.reason


def test_an_outcome_without_a_stamp_is_learned_from(host: LockstepHost, puzzle: Make) -> None:
    """As somebody types it for `ros2 topic pub`."""
    graph(host)
    run_graph(host, puzzle, 60)
    typed = Outcome(start=to_stamp(T0), end=to_stamp(T0 + 30 * 33 * MS), reward=1.0)
    host.publish("outcome", typed)
    host.run_until(host.clock.now_ns() + S)
    learned = host.messages("fusion/weights")[-1]
    assert learned.successes == 1
    assert stamp_ns(learned.header.stamp) > T0
    assert not [line for line in host.logs if "outcome: dropped" in line.text]
