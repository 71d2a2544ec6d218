"""Labelled streams from files, and the rows of the bench made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sage_bench.encoders.section import Setting
from sage_bench.salience.scalars import report, repositories, robots, rows, scores
from sage_bench.salience.scalars.halves import half_of
from sage_bench.salience.scalars.repositories import FOLDER, REPOSITORIES, Repository
from sage_bench.salience.scalars.stream import LabelledStream, spans
from sage_common.core.errors import InvalidInput
from sage_sensors.backends.recording import data_folder

SECOND_NS = 1_000_000_000
BY_FOLDER = {repository.origin.folder: repository for repository in REPOSITORIES}


def folder_of(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def read(root: Path, repository: str, files: dict[str, str]) -> list[LabelledStream]:
    return BY_FOLDER[repository].streams(folder_of(root, files))


def test_a_pump_has_eight_numbers_and_its_own_times(tmp_path: Path) -> None:
    names = "datetime;a;b;c;d;e;f;g;h;anomaly;changepoint\n"
    lines = [f"2020-03-09 10:14:{s};1;2;3;4;5;6;7;{s};{a};0" for s, a in
             ((33, "0.0"), (34, "1.0"), (34, "1.0"), (36, "0.0"))]  # fmt: skip
    text = names + "\n".join(lines)
    files = {f"SKAB/data/{folder}/0.csv": text for folder in ("valve1", "other")}
    valves, other = read(tmp_path, "SKAB", files)
    assert (valves.family, other.family) == ("pump, valves", "pump, other faults")
    assert valves.values[:, 7].tolist() == [33, 34, 36] and valves.values.shape == (3, 8)
    assert np.diff(valves.stamps_ns).tolist() == [SECOND_NS, 2 * SECOND_NS]
    assert valves.labels.tolist() == [False, True, False]


def test_indicators_are_told_apart_by_their_period(tmp_path: Path) -> None:
    files = {
        f"anomalydetector/srcnn/Test/{name}.csv": "timestamp,value,label\n"
        + "\n".join(f"{1_500_000_000 + i * period},{i / 2},{int(i == 2)}" for i in range(4))
        for name, period in (("x", 60), ("y", 300))
    }
    minute, five = read(tmp_path, "anomalydetector", files)
    assert (minute.family, five.family) == ("indicators, 1 min", "indicators, 5 min")
    assert five.stamps_ns[1] - five.stamps_ns[0] == 300 * SECOND_NS
    assert minute.values.tolist() == [[0.0], [0.5], [1.0], [1.5]]
    assert spans(minute.labels) == [(2, 3)]


def test_the_ucr_archive_says_in_the_name_what_is_anomalous(tmp_path: Path) -> None:
    name = "TranAD/data/UCR/135_UCR_Anomaly_Made_2_4_5.txt"
    (made,) = read(tmp_path, "TranAD", {name: "1.0\n2.0\n3.0 4.0\n5\n6\n7\n"})
    assert spans(made.labels) == [(4, 6)] and len(made.values) == 7
    with pytest.raises(InvalidInput, match="UCR_Anomaly"):
        read(tmp_path, "TranAD", {"TranAD/data/UCR/135_other.txt": "1\n"})


def test_files_without_times_have_a_rate(tmp_path: Path) -> None:
    two = "0.5,0\n0.25,1\n"
    files = {"TSB-UAD/data/benchmark/ECG/a.out": two, "TSB-UAD/data/artificial/b.out": two}
    heart, symbols = read(tmp_path, "TSB-UAD", files)
    assert heart.stamps_ns[1] == round(SECOND_NS / 128) and symbols.stamps_ns[1] == SECOND_NS
    text = "timestamp,value-0,value-1,is_anomaly\n0,1,2,0\n1,3,4,1\n"
    (made,) = read(tmp_path, "GutenTAG", {"GutenTAG/tests/generated/a.csv": text})
    assert made.values.tolist() == [[1, 2], [3, 4]] and made.labels.tolist() == [False, True]


def test_a_repository_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"github\.com/waico/SKAB.*SAGE_BENCH_STREAMS"):
        BY_FOLDER["SKAB"].streams(tmp_path)


def test_nothing_comes_from_the_sealed_benchmark() -> None:
    for repository in REPOSITORIES:
        for patterns in repository.origin.files.values():
            assert not any("nab" in pattern.lower() for pattern in patterns)


def test_each_repository_stands_once() -> None:
    assert len(BY_FOLDER) == len(REPOSITORIES)
    assert all(len(repository.origin.version) == 40 for repository in REPOSITORIES)


@pytest.mark.skipif(not (data_folder() / robots.BAG).is_file(), reason="no recordings here")
def test_a_stall_is_quieter_than_driving() -> None:
    *spliced, natural = made = robots.drives(data_folder())
    assert len(spliced) == 2 * robots.PARTS
    assert all(len(spans(stream.labels)) == 1 for stream in spliced)
    for stream in (natural, *spliced):
        first, last = spans(stream.labels)[0]
        standing, driving = stream.values[first:last], stream.values[: first // 2]
        assert standing.std(axis=0).max() < 0.5 * driving.std(axis=0).max()
    development = {stream.name for stream in half_of(made, "development")}
    assert natural.name in development
    # What lies in both halves is the recording that stands by itself alone.
    cuts = {stream.name: (stream.stamps_ns[0], stream.stamps_ns[-1]) for stream in spliced}
    latest = max(end for name, (_, end) in cuts.items() if name in development)
    assert all(begin > latest for name, (begin, _) in cuts.items() if name not in development)


@pytest.mark.skipif(not (data_folder() / robots.TAKE_OFF).is_file(), reason="no recordings here")
def test_events_of_flights_lie_within_their_streams() -> None:
    take_off, barometers = robots.flights(data_folder())
    assert len(spans(take_off.labels)) == 3 and take_off.values.shape[1] == 4
    assert len(spans(barometers.labels)) == 4 and barometers.values.shape[1] == 1
    for stream in (take_off, barometers):
        assert (np.diff(stream.stamps_ns) > 0).all()


@pytest.fixture
def few_detectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two detectors in place of all: one that knows the labels' size, one that knows nothing."""
    two = {
        "size": lambda values, warm_up: np.abs(values).max(axis=1),
        "nothing": lambda values, warm_up: np.zeros(len(values)),
    }
    for module in (scores, report, rows):
        monkeypatch.setattr(module, "DETECTORS", two)
    for module in (scores, report, rows):
        monkeypatch.setattr(module, "RANKED", ("SAGE", *two), raising=False)


def made_streams(root: Path, count: int = 2) -> Repository:
    draw = np.random.default_rng(0)
    for number in range(count):
        values, labels = 0.1 * draw.normal(size=600), np.zeros(600)
        values[400:420] += 3.0
        labels[400:420] = 1.0
        lines = [f"{i},{v},{a:.0f}" for i, (v, a) in enumerate(zip(values, labels, strict=True))]
        path = f"GutenTAG/tests/generated/{number}.csv"
        folder_of(root, {path: "\n".join(["timestamp,value-0,is_anomaly", *lines])})
    return BY_FOLDER["GutenTAG"]


def test_rows_rank_the_total_and_say_what_is_missing(
    tmp_path: Path, few_detectors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = made_streams(tmp_path)
    monkeypatch.setattr(rows, "REPOSITORIES", (repository, BY_FOLDER["SKAB"]))
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.delenv("SAGE_BENCH_CACHE", raising=False)
    found = rows.rows(Setting(tmp_path / "data", tmp_path, quick=True))
    made = {row.name: row for row in found.rows}
    assert [error.split(":")[0] for error in found.errors] == ["scalars"] * 3
    ranked = made["mean rank of 3 detectors by both figures, default total"]
    assert ranked.better == "lower" and ranked.goal == min(ranked.baselines.values())
    assert sum((ranked.value, *ranked.baselines.values())) == pytest.approx(6.0)
    assert ranked.baselines["size"] < ranked.baselines["nothing"]
    spans_found = made["AUROC of spans of numbers: generated"]
    assert spans_found.baselines["size"] == 1.0 and spans_found.baselines["nothing"] == 0.5
    assert spans_found.goal == 0.75 and spans_found.value > 0.5 and spans_found.samples == 1
    assert "surprise alone" in spans_found.baselines
    precision = made["average precision of numbers: generated"]
    assert precision.baselines["nothing"] == pytest.approx(20 / 500)
    assert "development half: 1 streams of 1 families, 600 samples" in found.notes[1]


def test_without_a_folder_a_note_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    found = rows.rows(Setting(tmp_path, tmp_path, quick=True))
    assert not found.rows and not found.errors and found.notes == (rows.UNNAMED,)
    assert repositories.streams_folder() is None


def test_detectors_are_kept_and_ours_is_scored_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(values: np.ndarray, warm_up: int) -> np.ndarray:
        calls.append(warm_up)
        return values[:, 0]

    monkeypatch.setattr(scores, "DETECTORS", {"counted": counted})
    monkeypatch.setenv("SAGE_BENCH_CACHE", str(tmp_path / "cache"))
    (stream,) = made_streams(tmp_path, 1).streams(tmp_path)
    first, second = scores.all_scores(stream), scores.all_scores(stream)
    assert calls == [100] and len(list((tmp_path / "cache").glob("scalars-*.npz"))) == 1
    assert first.keys() == {"SAGE", "counted", "surprise", "novelty", "arousal"}
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["SAGE"].shape == (600,) and 0.0 <= first["SAGE"].min() <= 1.0
