"""Rows of the salience bench, on streams made up for it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from sage_bench.encoders.section import Setting
from sage_bench.salience import endurance, finding, learning, played, quiet, speed
from sage_bench.salience.baselines import anomaly, forms
from sage_bench.salience.baselines.signals import SIGNALS
from sage_bench.salience.endurance import Growth
from sage_bench.salience.played import Played, chosen_half
from sage_bench.salience.score_latency import ScoreLatency
from sage_bench.salience.streams.percepts import Percepts
from sage_common.core.errors import InvalidInput

FULL = Setting(Path("data"), Path("models"), quick=False)


@pytest.fixture
def bench(streams: Played, monkeypatch: pytest.MonkeyPatch) -> Played:
    """The bench as if these were the streams of either half."""

    def raw(stream: Percepts, percepts: Percepts, cache: Path | None) -> dict[str, np.ndarray]:
        values = np.random.default_rng(0).random((16, len(percepts.times_s)))
        names = (*forms.SIMPLE, *forms.ENERGIES, *anomaly.DETECTORS)
        made = dict(zip(dict.fromkeys(names), values, strict=False))
        return {**made, "constant": np.full(len(percepts.times_s), 0.2)}

    finding.judged.cache_clear()
    for module in (finding, learning):
        monkeypatch.setattr(module, "play", lambda setting, half: streams)
    monkeypatch.setattr(finding, "streams", lambda half, data, quick: streams.percepts)
    monkeypatch.setattr(finding, "raw_scores", raw)
    monkeypatch.delenv(played.HALF, raising=False)
    return streams


def test_events_stand_out_and_families_must_beat_every_baseline(bench: Played) -> None:
    found = finding.rows(FULL)
    rows = {row.name: row for row in found.rows}
    whole = rows["AUROC: all events"]
    assert whole.goal == 0.95 and whole.met and whole.value > 0.95
    assert whole.low is not None and whole.low <= whole.value
    assert whole.baselines["constant"] == 0.5 and whole.baselines["reward alone"] == 0.5
    assert whole.baselines["equal weights"] == whole.value
    cut = rows["AUROC: cut"]
    others = {name: value for name, value in cut.baselines.items() if name != "equal weights"}
    assert cut.goal == max(others.values())
    assert {"conflict alone", "isolation forest", "simple signals, largest"} <= set(cut.baselines)
    chance = rows["average precision: sound 0 dB"].baselines["chance"]
    assert chance == pytest.approx(2 / (2 + len(bench.windows) - 6))
    assert rows["found within 2 s with 5 % false alarms: all events"].samples == 6
    (behind,) = (row for name, row in rows.items() if "largest of any single signal" in name)
    beaten = {
        (signal.name, family): found_by.baselines[signal.name] - found_by.value
        for family in bench.windows.families
        for found_by in [rows[f"AUROC: {family}"]]
        for signal in SIGNALS
    }
    signal, family = max(beaten, key=lambda pair: beaten[pair])
    assert behind.name.startswith(f"AUROC, {signal} minus fused on {family},")
    assert behind.value == pytest.approx(beaten[signal, family])
    assert behind.goal == 0.02 and behind.met is (behind.value <= 0.02)
    assert behind.low is not None and behind.low <= behind.value <= behind.high
    assert rows["delay of what is found, p50: cut"].value == pytest.approx(0.1)
    assert all(math.isfinite(row.value) for row in found.rows)
    assert "test half: 2 streams, 2.33 minutes, 6 events" in found.notes[0]


def test_learned_weights_stand_beside_equal_ones(
    bench: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen = set(bench.windows.families)
    policies = {name: kinds for name, kinds in learning.POLICIES.items() if happen & set(kinds)}
    monkeypatch.setattr(learning, "POLICIES", policies)
    assert len(policies) >= 2
    found = learning.rows(FULL)
    rows = {row.name: row for row in found.rows}
    runs = (learning.CARRIED, learning.ALONG)
    for run in (f"{name}{policy}" for name in runs for policy in learning.POLICIES):
        gain = rows[f"AUROC, learned minus equal weights, {run}"]
        ours = rows[f"AUROC, {run}"]
        assert gain.value == pytest.approx(ours.value - ours.baselines["equal weights"])
        assert rows[f"{gain.name}, low end of 95 %"].value == gain.low
    worst = rows[f"AUROC, learned minus equal weights, {learning.ALONG}, worst stream"]
    assert worst.samples == 2 and worst.goal == learning.WORST
    for policy in learning.POLICIES:
        best = rows[f"AUROC, weights fitted in hindsight{policy}"]
        assert best.value >= best.baselines["equal weights"]
    after = rows["AUROC after 5 outcomes"]
    # Of five outcomes nothing is trusted yet.
    assert after.value == after.baselines["equal weights"]
    assert any("exclude" in note for note in found.notes)


def test_skill_is_compared_with_the_beginning(bench: Played) -> None:
    rows = learning.cross_modal_rows(FULL).rows
    assert [row.name.split(",")[1] for row in rows] == [" audio", " proprioception", " vision"]
    for row in rows:
        assert row.goal == row.baselines["first third"]
        assert 0.0 <= row.value <= 1.0


def test_a_short_run_says_what_it_leaves_out() -> None:
    quick = dataclasses.replace(FULL, quick=True)
    for section in (learning.rows, learning.cross_modal_rows):
        found = section(quick)
        assert not found.rows and found.notes == (learning.TOO_SHORT,)


def test_the_half_is_the_test_half_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(played.HALF, raising=False)
    assert chosen_half(quick=False) == "test"
    assert chosen_half(quick=True) == "development"
    monkeypatch.setenv(played.HALF, "development")
    assert chosen_half(quick=False) == "development"
    monkeypatch.setenv(played.HALF, "sealed")
    assert chosen_half(quick=False) == chosen_half(quick=True) == "sealed"
    monkeypatch.setenv(played.HALF, "both")
    with pytest.raises(InvalidInput, match="SAGE_BENCH_HALF"):
        chosen_half(quick=False)


def test_false_alarms_stand_beside_a_running_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "MINUTES", 0.2)
    monkeypatch.setattr(quiet, "LEARNING_S", 4.0)
    monkeypatch.setattr(quiet, "BEFORE_EVENT_S", 4.0)
    room = np.random.default_rng(0).normal(-20.0, 3.0, (400, 1))
    monkeypatch.setattr(quiet, "recordings", lambda sources: {"room": (room, 50.0)})
    rows = {row.name: row for row in quiet.rows(FULL).rows}
    alarms = rows["samples a minute above 0.3: Gaussian"]
    assert alarms.samples == 400 and list(alarms.baselines) == ["|z| over 60 s > 3"]
    assert 0.0 <= alarms.value < 600.0
    assert rows["samples a minute above 0.3: room"].samples == 200
    found = rows["steps found above 0.3: Laplace, 6 numbers"]
    assert found.samples == 6 and found.better == "higher" and 0.5 <= found.value <= 1.0


def test_the_calmest_part_of_a_recording_is_found() -> None:
    rotation = np.random.default_rng(0).normal(0.0, 1.0, (20_000, 3))
    rotation[9_000:15_000] *= 0.01
    chosen = quiet._calmest(rotation)
    assert len(chosen) == 6_000
    assert chosen.std() < 0.02


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"river, sklearn.*make bench"):
        forms.check_packages()


def test_growth_compares_the_last_part_with_the_second() -> None:
    found = Growth(10, [9.0, 1.0, *[1.0] * 7, 2.0], [9.0, 1.0, *[1.0] * 7, 1.0], [1.0, 5.0, 7.5])
    assert found.slowdown == pytest.approx(1.5) and found.memory_growth_mb == 2.5
    short = endurance.growth(200)
    assert short.frames == 200 and len(short.score_ms) == len(short.memory_mb) == 10
    assert min(short.score_ms) > 0.0 and min(short.fuse_ms) > 0.0


def test_times_are_measured_in_a_process_of_one_thread() -> None:
    found = endurance.measured_latency("audio", 16, 10, 20)
    assert (found.size, found.remembered, found.samples) == (16, 10, 20) and found.p50_ms > 0.0


def test_time_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def latency(modality: str, size: int, remembered: int, samples: int) -> ScoreLatency:
        return ScoreLatency(size, remembered, samples, remembered * 1e-4, 1.0, 0.1)

    grown = Growth(100, [0.1, 0.1, 0.2], [0.1, 0.1, 0.1], [10.0, 11.0, 13.0])
    monkeypatch.setattr(speed, "measured_latency", latency)
    monkeypatch.setattr(speed, "measured_growth", lambda frames: grown)
    rows = {row.name: row for row in speed.rows(FULL).rows}
    vision = rows["score vision, 1,000 remembered, p50"]
    assert vision.value == pytest.approx(0.1) and vision.met
    assert vision.baselines == pytest.approx({"100 remembered": 0.01, "10,000 remembered": 1.0})
    assert rows["score vision, 10,000 remembered to 1,000"].met is False
    assert rows[
        "score and fuse over 100 frames, last tenth to second tenth"
    ].value == pytest.approx(1.5)
    assert rows["memory over 100 frames, after the second tenth"].value == 2.0
