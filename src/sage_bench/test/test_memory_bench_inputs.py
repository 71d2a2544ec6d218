"""What the memory bench is measured on and by: corpora, lives, sentences, clips, and the truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sage_bench.encoders.section import Setting
from sage_bench.memory.inputs import clips as recorded_clips
from sage_bench.memory.inputs.cache import kept_folder, taken_s
from sage_bench.memory.inputs.condition import EVERYTHING, KINDS, SHARES, Condition, conditions
from sage_bench.memory.inputs.corpus import (
    BEGIN_NS,
    clustered,
    gaussian,
    perceived,
    row_of,
    stamp_of,
)
from sage_bench.memory.inputs.life import life, near
from sage_bench.memory.inputs.sentences import Sentences, read_texts
from sage_bench.memory.inputs.truth import Truth
from sage_bench.memory.peers.ours import OURS
from sage_bench.memory.peers.peer import timed
from sage_bench.salience.streams.percepts import CACHE
from sage_sensors.backends.recording import data_folder

MODELS = Path(__file__).resolve().parents[3] / "models"


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


def test_truth_is_brute_force_in_blocks(
    toy_sentences: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sage_bench.memory.inputs.truth.BLOCK", 7)
    truth = Truth.of(toy_sentences.embeddings, toy_sentences.embeddings[:3])
    assert np.allclose(
        truth.cosines, toy_sentences.embeddings[:3] @ toy_sentences.embeddings.T, atol=1e-6
    )


def test_a_corpus_is_the_same_each_time_and_near_real_sentences(toy_sentences: Sentences) -> None:
    made, again = clustered(toy_sentences, 200, 6), clustered(toy_sentences, 200, 6)
    assert made.digest == again.digest != clustered(toy_sentences, 199, 6).digest
    assert made.digest == clustered(toy_sentences, 300, 6).first(200).digest
    assert np.array_equal(made.vectors[:54], toy_sentences.embeddings[6:]), "real ones come first"
    assert np.allclose(np.linalg.norm(made.vectors, axis=1), 1.0, atol=1e-5)
    cosines = (made.vectors[54:] * toy_sentences.embeddings[made.sentence[54:]]).sum(axis=1)
    assert 0.7 < cosines.mean() < 0.9
    assert made.sentence.min() >= 6, "no moment is about what is asked"
    assert row_of(made.experience(7).start_ns) == 7 and stamp_of(0) == BEGIN_NS
    assert abs(gaussian(toy_sentences, 300, 6).vectors.mean()) < 0.01
    with pytest.raises(ValueError, match="60 queries"):
        clustered(toy_sentences, 100, 60)


def test_filters_keep_the_share_that_they_say(toy_sentences: Sentences) -> None:
    corpus = clustered(toy_sentences, 20_000, 6)
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


def test_what_took_long_is_made_once(toy_sentences: Sentences, tmp_path: Path) -> None:
    corpus = clustered(toy_sentences, 50, 6)
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


def test_percepts_are_asked_for_by_an_example(toy_sentences: Sentences) -> None:
    corpus = perceived("seconds", toy_sentences, "audio", 30, 6)
    assert corpus.experience(3).modality == "audio"
    query = EVERYTHING.query(corpus, corpus.queries[0], 10)
    assert np.array_equal(query.example, corpus.queries[0]) and query.text_embedding is None
    assert query.example_encoder_id == toy_sentences.encoder_id


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


def test_a_life_has_visits_and_questions_in_other_words(toy_sentences: Sentences) -> None:
    made = life(toy_sentences, 400, 20)
    assert len(made.moments) == 400 and len(made.asked) == len(made.moments.queries)
    assert not set(made.moments.sentence.tolist()) & {11, 21}, "questions are not among moments"
    assert made.salient[: len(made.asked) // 2].all() or made.salient.sum() < 10
    totals = made.moments.totals
    assert not ((totals > 0.55) & (totals < 0.62)).any()
    scene = int(made.moments.sentence[0])
    assert near(tuple(made.moments.places[0]), made, scene)
    assert not near((1e6, 0.0), made, scene)
    assert made.payload_bytes.astype(bool).mean() == pytest.approx(0.5, abs=0.1)


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
