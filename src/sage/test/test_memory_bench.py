"""The memory bench at toy size: its measures on cases made by hand, and rows of every part."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sage.bench.encoders.section import Figures, Setting
from sage.bench.memory import clips as recorded_clips
from sage.bench.memory import (
    graph,
    growth,
    hindsight,
    killing,
    opening,
    parts,
    recall,
    recall_clips,
    remember,
    replaying,
    sleeping,
)
from sage.bench.memory.condition import EVERYTHING, KINDS, SHARES, Condition, conditions
from sage.bench.memory.corpus import (
    BEGIN_NS,
    Corpus,
    clustered,
    gaussian,
    perceived,
    row_of,
    stamp_of,
    unit,
)
from sage.bench.memory.growth import Growth, slope
from sage.bench.memory.hindsight import Counts, Kept
from sage.bench.memory.kept import kept_folder, taken_s
from sage.bench.memory.life import life, near
from sage.bench.memory.ours import OURS
from sage.bench.memory.peer import timed
from sage.bench.memory.scale import FULL, Scale
from sage.bench.memory.sentences import Sentences, read_texts
from sage.bench.memory.truth import Truth
from sage.bench.memory.workplace import Workplace
from sage.bench.result import Row
from sage.bench.salience.percepts import CACHE, Percepts
from sage.bench.salience.played import Played
from sage.bench.salience.schedule import Event
from sage.bench.salience.trace import score
from sage.bench.salience.windows import judged_windows
from sage.graph.sources import data_folder
from sage_common.core.errors import InvalidInput

MODELS = Path(__file__).resolve().parents[3] / "models"
TOY = Scale(
    sizes=(120, 240),
    filter_sizes=(240,),
    sentences=60,
    clips=80,
    clips_apart=1,
    queries=6,
    alone=12,
    grouped=40,
    built_up_to=240,
    gaussian=100,
    resumed=50,
    slept_on=150,
    probes=20,
    peer_slept_on=40,
    capped=100,
    killed=30,
    limit_s=0.2,
)
EVENTS = (Event("cut", 34.0, 34.5), Event("sound 0 dB", 44.0, 44.4), Event("cut", 64.0, 64.5))


@pytest.fixture(scope="module")
def real() -> Sentences:
    """Sixty sentences with made-up meanings of 16 numbers; two pairs say the same."""
    generator = np.random.default_rng(0)
    embeddings = unit(generator.standard_normal((60, 16), np.float32))
    for first, second in ((10, 11), (20, 21)):
        embeddings[second] = unit(embeddings[first : first + 1] + 0.02 * embeddings[:1])[0]
    codes = generator.integers(0, 10, (60, 30, 30), np.uint8)
    texts = tuple(f"sentence {number}" for number in range(60))
    return Sentences(texts, embeddings, codes, "made-1", ((10, 11), (20, 21)))


@pytest.fixture
def place(
    real: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Workplace]:
    """A workplace with these sentences, without a cache."""
    monkeypatch.delenv(CACHE, raising=False)
    monkeypatch.setattr("sage.bench.memory.workplace.sentences", lambda setting, most: real)

    def make(**sizes: object) -> Workplace:
        setting = Setting(tmp_path / "data", tmp_path / "models", quick=True)
        return Workplace(setting, replace(TOY, **sizes), tmp_path)

    return make


def by_name(found: Figures) -> Mapping[str, Row]:
    return {row.name: row for row in found.rows}


def test_recall_counts_the_true_best_once_and_only_what_is_kept() -> None:
    truth = Truth(np.array([[0.9, 0.8, 0.7, 0.6, 0.5], [0.1, 0.2, 0.3, 0.3, 0.0]], np.float32))
    assert truth.recall([[0, 1], [3, 2]], 2) == 1.0
    assert truth.recall([[0, 4], [2, 2]], 2) == 0.5
    assert truth.recall([[0, 1, 2]], 2) == 1.0, "only the first answers count, of those asked"
    assert truth.recall([[4, 3]], 2) == 0.0
    kept = np.array([False, True, True, False, False])
    assert truth.recall([[1, 2]], 2, kept) == 1.0
    assert truth.recall([[0, 1]], 2, kept) == 0.5, "what is not kept is no answer"
    assert truth.recall([[1]], 10, np.array([False, True, False, False, False])) == 1.0
    tied = Truth(np.array([[0.5, 0.5, 0.5]], np.float32))
    assert tied.recall([[2]], 1) == tied.recall([[0]], 1) == 1.0


def test_truth_is_brute_force_in_blocks(real: Sentences, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sage.bench.memory.truth.BLOCK", 7)
    truth = Truth.of(real.embeddings, real.embeddings[:3])
    assert np.allclose(truth.cosines, real.embeddings[:3] @ real.embeddings.T, atol=1e-6)


def test_a_corpus_is_the_same_each_time_and_near_real_sentences(real: Sentences) -> None:
    made, again = clustered(real, 200, 6), clustered(real, 200, 6)
    assert made.digest == again.digest != clustered(real, 199, 6).digest
    assert made.digest == clustered(real, 300, 6).first(200).digest
    assert np.array_equal(made.vectors[:54], real.embeddings[6:]), "real ones come first"
    assert np.allclose(np.linalg.norm(made.vectors, axis=1), 1.0, atol=1e-5)
    cosines = (made.vectors[54:] * real.embeddings[made.sentence[54:]]).sum(axis=1)
    assert 0.7 < cosines.mean() < 0.9
    assert made.sentence.min() >= 6, "no moment is about what is asked"
    assert row_of(made.experience(7).start_ns) == 7 and stamp_of(0) == BEGIN_NS
    assert abs(gaussian(real, 300, 6).vectors.mean()) < 0.01
    with pytest.raises(ValueError, match="60 queries"):
        clustered(real, 100, 60)


def test_filters_keep_the_share_that_they_say(real: Sentences) -> None:
    corpus = clustered(real, 20_000, 6)
    made = conditions(corpus)
    assert [(c.kind, c.share) for c in made] == [(k, s) for s in SHARES for k in KINDS]
    for condition in made:
        kept = condition.mask(corpus).mean()
        chance = 0.0 if condition.kind != "modality and place" else 0.4
        assert kept == pytest.approx(condition.share, rel=max(chance, 0.01)), condition
    assert EVERYTHING.mask(corpus).all()
    query = made[2].query(corpus, corpus.queries[0], 10)
    assert query.modality == "vision" and query.place is not None and query.place_radius_m > 0.0


def test_searches_end_at_the_limit_but_not_before_five() -> None:
    asked: list[float] = []

    def slow(vector: np.ndarray, condition: Condition) -> list[int]:
        asked.append(float(vector[0]))
        return [len(asked)]

    found = timed(slow, np.zeros((20, 2), np.float32), limit_s=0.0)
    assert len(found.taken_ms) == len(found.found) == 5 and len(asked) == 8


def test_what_took_long_is_made_once(real: Sentences, tmp_path: Path) -> None:
    corpus = clustered(real, 50, 6)
    made: list[Path] = []

    def fill(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("full")

    first = kept_folder(tmp_path, "peer", corpus, fill)
    assert kept_folder(tmp_path, "peer", corpus, fill) == first and len(made) == 1
    assert taken_s(first) >= 0.0
    (first / "filled.json").unlink()
    (first / "half").write_text("left by a run that was killed")
    kept_folder(tmp_path, "peer", corpus, fill)
    assert len(made) == 2 and not (first / "half").exists()


def test_remembering_stands_beside_raw_sqlite_and_the_peers(
    place: Callable[..., Workplace],
) -> None:
    pytest.importorskip("emem")
    pytest.importorskip("sqlite_vec")
    found = remember.rows(place())
    rows = by_name(found)
    alone = rows["remember, synced, one a commit"]
    assert alone.goal == 2_000 and alone.better == "higher" and alone.value > 0.0
    assert set(alone.baselines) == set(remember.ALONE)
    tail = rows["remember, synced, one a commit, p99"]
    assert tail.value == tail.p99 and tail.samples == TOY.alone
    assert set(rows["remember, synced, group commit"].baselines) == set(remember.GROUPED)


def test_recall_and_filters_of_every_peer(place: Callable[..., Workplace]) -> None:
    for package in ("emem", "sqlite_vec", "usearch", "hnswlib", "apsw"):
        pytest.importorskip(package)
    found = recall.rows(place())
    rows = by_name(found)
    peers = {"eMEM", "sqlite-vec", "usearch, exact", "usearch HNSW", "hnswlib HNSW",
             "numpy float32"}  # fmt: skip
    for size in ("120", "240"):
        whole = rows[f"recall@10 at {size}"]
        assert whole.value == 1.0 and set(whole.baselines) == peers
        assert whole.baselines["numpy float32"] == whole.baselines["sqlite-vec"] == 1.0
        assert set(rows[f"recall of whole records at {size}, p50"].baselines) == peers
        taken = rows[f"time to take in {size}"]
        assert taken.value > 0.0
        assert set(taken.baselines) == {"eMEM", "sqlite-vec", "usearch HNSW", "hnswlib HNSW"}
    for kind in KINDS:
        row = rows[f"filter by {kind} keeping 10.0% of 240, recall@10"]
        assert row.value == 1.0, kind
        assert row.baselines["numpy float32"] == row.baselines["sqlite-vec"] == 1.0
        assert ("eMEM" in row.baselines) == (kind != "salience")
    assert "slowest filter to no filter at 240, p50" in rows
    assert rows["recall@10 at 100 independent"].value == 1.0
    assert not any("failed" in note for note in found.notes), found.notes


def test_recall_by_a_picture_and_by_a_sound(
    place: Callable[..., Workplace], real: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        recall_clips,
        "KINDS",
        (("pictures", "vision", lambda *_: real), ("seconds", "audio", lambda *_: real)),
    )
    workplace = place()
    found = recall_clips.rows(workplace)
    rows = by_name(found)
    for name in ("pictures", "seconds"):
        assert rows[f"recall@10 at 80 {name}"].value == 1.0
        assert rows[f"recall@10 at 80 {name}"].baselines["numpy float32"] == 1.0
        assert rows[f"recall of whole records at 80 {name}, p50"].samples == TOY.queries
        assert f"80 {name}" in workplace.inputs
    assert "54 of 80 pictures are real, the others lie near them" in found.notes


def test_percepts_are_asked_for_by_an_example(real: Sentences) -> None:
    corpus = perceived("seconds", real, "audio", 30, 6)
    assert corpus.experience(3).modality == "audio"
    query = EVERYTHING.query(corpus, corpus.queries[0], 10)
    assert np.array_equal(query.example, corpus.queries[0]) and query.text_embedding is None
    assert query.example_encoder_id == real.encoder_id


def test_squares_of_a_frame_reach_its_edges() -> None:
    frame = np.zeros((24, 40, 3), np.uint8)
    frame[:, :2], frame[:, -2:] = 1, 2
    made = list(recorded_clips.squares(frame))
    assert len(made) == sum(rows * columns for rows, columns in recorded_clips.SQUARES)
    assert [square.shape[0] for square in made] == [24] * 3 + [12] * 12
    assert (made[0][:, :2] == 1).all() and (made[2][:, -2:] == 2).all()


def test_recorded_clips_are_seen_and_heard_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not data_folder().is_dir():
        pytest.skip(f"no recorded data at {data_folder()}: set SAGE_DATA")
    monkeypatch.setenv(CACHE, str(tmp_path))
    setting = Setting(data_folder(), MODELS, quick=True)
    seen, heard = recorded_clips.pictures(setting, 160), recorded_clips.seconds(setting, 50)
    assert seen.embeddings.shape[1] == 128 and heard.embeddings.shape[1] == 64
    for clips in (seen, heard):
        assert len(set(clips.texts)) == len(clips.texts) == len(clips.embeddings)
        assert np.allclose(np.linalg.norm(clips.embeddings, axis=1), 1.0, atol=1e-5)
    assert any("gopro_max_walk" in text for text in seen.texts)
    assert any("gopro_max_walk" in text for text in heard.texts)
    assert any("dog_bark" in text for text in heard.texts)
    monkeypatch.setattr(recorded_clips, "_seen", lambda *_: pytest.fail("it was kept"))
    assert recorded_clips.pictures(setting, 160).digest == seen.digest


def test_a_peer_that_fails_is_named_and_the_others_are_measured(real: Sentences) -> None:
    class Broken:
        name, most = "broken", float("inf")

        def fill(self, corpus: Corpus) -> None:
            raise RuntimeError("no room")

    def missing() -> object:
        raise ImportError("gone", name="somepackage")

    from sage.bench.memory.numpy_peer import NumpyPeer

    corpus = clustered(real, 50, 6)
    large = NumpyPeer()
    large.most = 10.0  # type: ignore[misc]
    found = recall.measure(corpus, [missing, Broken, lambda: large, NumpyPeer], 6, 1.0)
    assert set(found.plain) == {"numpy float32"}
    assert "somepackage is not installed" in found.notes[0]
    assert found.notes[1] == "broken failed at 50: no room"
    assert "numpy float32 is not measured at 50" in found.notes[2]


def test_the_graph_is_built_once_and_measured(place: Callable[..., Workplace]) -> None:
    pytest.importorskip("usearch")
    none = graph.rows(place())
    assert not none.rows and "no graph" in none.notes[-1]
    workplace = place(sizes=(2_500,))
    rows = by_name(graph.rows(workplace))
    assert rows["recall@10 with the graph at 2,500"].value > 0.8
    assert rows["search alone with the graph at 2,500, p50"].samples == TOY.queries
    built_s = rows["time to build the graph of 2,500"].value
    assert by_name(graph.rows(workplace))["time to build the graph of 2,500"].value == built_s


def test_opening_is_measured_in_a_process_of_its_own(place: Callable[..., Workplace]) -> None:
    pytest.importorskip("emem")
    rows = by_name(opening.rows(place()))
    first = rows["open to the first answer at 240"]
    assert first.value > 0.0 and set(first.baselines) == {"eMEM at 240"}
    assert rows["memory of a process that holds 240, PSS"].value > 20.0


def test_a_killed_process_has_lost_nothing_of_ours(place: Callable[..., Workplace]) -> None:
    pytest.importorskip("emem")
    (row,) = killing.rows(place()).rows
    assert row.value == 0.0 and row.goal == 0.0 and row.samples == TOY.killed
    assert row.baselines == {"eMEM": 100.0}


def test_a_life_has_visits_and_questions_in_other_words(real: Sentences) -> None:
    made = life(real, 400, 20)
    assert len(made.moments) == 400 and len(made.asked) == len(made.moments.queries)
    assert not set(made.moments.sentence.tolist()) & {11, 21}, "questions are not among moments"
    assert made.salient[: len(made.asked) // 2].all() or made.salient.sum() < 10
    totals = made.moments.totals
    assert not ((totals > 0.55) & (totals < 0.62)).any()
    scene = int(made.moments.sentence[0])
    assert near(tuple(made.moments.places[0]), made, scene)
    assert not near((1e6, 0.0), made, scene)
    assert made.payload_bytes.astype(bool).mean() == pytest.approx(0.5, abs=0.1)


def test_a_night_stands_beside_simpler_ways_to_let_go(
    place: Callable[..., Workplace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def peer_rows(place: Workplace, notes: list[str]) -> list[Row]:
        notes.append("no peer")
        return []

    monkeypatch.setattr(sleeping, "_peer_rows", peer_rows)
    found = sleeping.rows(place())
    rows = by_name(found)
    assert rows["night on 150 memories"].goal is None, "only the full size has goals"
    assert 0.0 < rows["bytes after a night on 150, to before"].value < 150.0
    still = rows["all questions still answered after a night on 150"]
    assert 0.0 <= still.value <= 100.0
    assert set(still.baselines) == {
        "dropping at random", "dropping the oldest", "dropping the least salient",
    }  # fmt: skip
    assert "no peer" in found.notes


def test_still_answered_is_of_what_was_answered() -> None:
    before, after = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert sleeping.still(before, after) == 50.0
    assert sleeping.still(np.zeros(4, bool), after) == 100.0


def test_dropping_keeps_as_many_bytes_as_it_may(real: Sentences) -> None:
    lived = life(real, 200, 20)
    everything = sleeping.dropping(lived, 1.0)
    for before, after in everything.values():
        assert np.array_equal(before, after)
    nothing = sleeping.dropping(lived, 0.0)
    assert not any(after.any() for _, after in nothing.values())


def test_growth_is_the_median_slope(place: Callable[..., Workplace]) -> None:
    assert slope([1.0, 2.0, 3.0, 100.0, 5.0]) == pytest.approx(1.0, abs=0.6)
    assert slope([4.0] * 6) == 0.0
    found = Growth(**growth.in_process("sage.bench.memory.growth", str(place().folder), "100"))
    assert len(found.resident_mb) == growth.PARTS and found.part == 10
    assert 0.0 < found.index_mb[0] < found.index_mb[-1] < found.resident_mb[-1]
    assert 0 < found.payload_bytes <= growth.CAP_BYTES


@pytest.fixture(scope="module")
def streams(random_percepts: Callable[..., Percepts]) -> Played:
    """Two streams of 70 s that change at events only."""
    made = []
    for number in range(2):
        noise: Percepts = random_percepts(700, seed=number)
        for sensed in noise.sensed.values():
            times_s = noise.times_s[sensed.ticks]
            loud = np.zeros(len(times_s), bool)
            for event in EVENTS:
                loud |= (times_s > event.onset_s) & (times_s <= event.onset_s + 0.5)
            sensed.embeddings[~loud], sensed.codes[~loud] = sensed.embeddings[0], sensed.codes[0]
        known = {"name": f"made {number}", "events": EVENTS, "ignored": ((0.0, 30.0),)}
        made.append(replace(noise, **known))
    scored = tuple(score(percepts, number) for number, percepts in enumerate(made))
    return Played(tuple(made), scored, judged_windows(made))


def test_hindsight_counts_events_and_moments_within_them(streams: Played) -> None:
    fusings = [hindsight.fuse(scored) for scored in streams.scored]
    times_s = np.array([10.0, 34.2, 50.0, 34.9, 44.1])
    stream = np.array([0, 0, 0, 1, 1])
    found = Kept(stream, times_s, np.arange(5.0), np.full(5, 0.5))
    counted = hindsight.counts(streams, fusings, found)
    once = np.ones((1, len(counted.kept)), np.int64)
    assert counted.kept.sum() == 4, "the warm-up is not judged"
    assert counted.precision(once)[0] == 0.75
    assert counted.recall(once)[0] == 0.5, "three of six events"
    assert len(found.strongest(2)) == 2 and set(found.strongest(2).score) == {3.0, 4.0}
    values, (gain, low, high) = hindsight.compared(counted, counted, Counts.precision)
    assert values == (0.75, 0.75) and gain == low == high == 0.0


def test_hindsight_and_replay_have_rows_with_baselines(
    place: Callable[..., Workplace], streams: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "play", lambda setting, half: streams)
    monkeypatch.setattr(hindsight, "inputs", lambda setting: {"made": "0"})
    rows = by_name(hindsight.rows(place()))
    precision = rows["precision of what is kept, with hindsight"]
    assert 0.5 < precision.value <= 1.0 and set(precision.baselines) == {"judged at once"}
    gain = rows["precision of what is kept, hindsight minus at once"]
    assert gain.low is not None and gain.low <= gain.value <= gain.high
    assert replaying.rows(place()).notes == (replaying.TOO_SHORT,)
    monkeypatch.setattr(replaying, "NIGHTS", 1)
    found = by_name(replaying.compared(streams.part(0, 1), streams.part(1, 2)))
    fused = found[f"AUROC of fused salience after {replaying.DRAWN}"]
    assert set(fused.baselines) == {replaying.NONE, replaying.RANDOM}
    assert 0.0 <= fused.value <= 1.0
    skill = found[f"cross-modal skill, audio, after {replaying.DRAWN}"]
    assert set(skill.baselines) == {replaying.NONE, replaying.RANDOM} and skill.samples == 1


def test_parts_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(parts.CHOSEN, "kill,open")
    assert list(parts.chosen_parts()) == ["kill", "open"]
    monkeypatch.setenv(parts.CHOSEN, "kil")
    with pytest.raises(InvalidInput, match="SAGE_BENCH_PARTS"):
        parts.chosen_parts()
    monkeypatch.delenv(parts.CHOSEN)
    assert parts.chosen_parts() == dict(parts.PARTS)


def test_large_memories_can_be_left_out() -> None:
    assert parts.limited(FULL, "") == FULL
    small = parts.limited(FULL, "100000")
    assert small.sizes == (10_000, 100_000) and small.filter_sizes == (100_000,)
    for wrong in ("few", "100"):
        with pytest.raises(InvalidInput, match="SAGE_BENCH_MOST"):
            parts.limited(FULL, wrong)


def test_figures_of_some_parts_do_not_replace_those_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def part(workplace: Workplace) -> Figures:
        workplace.inputs["made"] = "0"
        return Figures((Row("made", 1.0, "s"),))

    def lacking(workplace: Workplace) -> Figures:
        raise FileNotFoundError("no recording")

    def broken(workplace: Workplace) -> Figures:
        raise TypeError("no such field")

    monkeypatch.setattr(parts, "PARTS", {"one": part, "other": lacking, "third": broken})
    monkeypatch.delenv(parts.CHOSEN, raising=False)
    setting = Setting(tmp_path, tmp_path, quick=False)
    whole = parts.measured(setting, TOY)
    assert whole.bench == "memory" and whole.inputs == {"made": "0"}
    assert whole.errors == ("other: no recording", "third: TypeError: no such field")
    assert [row.name for row in whole.rows] == ["made"], "what was measured is not lost"
    monkeypatch.setenv(parts.CHOSEN, "one")
    assert parts.measured(setting, TOY).bench == "memory_one"


def test_sentences_are_different_and_paraphrases_name_them(tmp_path: Path) -> None:
    folder = tmp_path / "text"
    folder.mkdir()
    lines = 'A cat sat.,"A cat, sitting.",4.5\nA dog.,A car.,0.5\nA dog.,A dog.,5.0\n'
    (folder / "stsb-en-train.csv").write_text(lines)
    (folder / "stsb-en-dev.csv").write_text("A dog.,The dog.,4.2\n")
    question = json.dumps({"question": "who sat", "answer": ["a cat"]})
    (folder / "NQ-open.dev.jsonl").write_text(question + "\n")
    texts, same = read_texts(Setting(tmp_path, tmp_path, quick=True), 100)
    assert sorted(texts) == ["A car.", "A cat sat.", "A cat, sitting.", "A dog.", "The dog.",
                             "who sat"]  # fmt: skip
    named = {(texts[first], texts[second]) for first, second in same}
    assert named == {("A cat sat.", "A cat, sitting."), ("A dog.", "The dog.")}
    assert OURS == "SAGE"
