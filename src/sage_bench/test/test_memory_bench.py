"""The memory bench at toy size: rows of every part, beside the peers, and which parts are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from memory_bench_toys import TOY, by_name

from sage_bench.encoders.section import Figures, Setting
from sage_bench.memory import alike, labelled, parts, recall, recall_clips, relevance, remember
from sage_bench.memory.inputs import clips
from sage_bench.memory.inputs.condition import KINDS
from sage_bench.memory.inputs.corpus import Corpus, clustered
from sage_bench.memory.inputs.sentences import Sentences
from sage_bench.memory.process import killing, opening
from sage_bench.memory.scale import FULL
from sage_bench.memory.workplace import Workplace
from sage_bench.part_choice import CHOSEN, chosen_parts
from sage_bench.result import Row
from sage_common.core.errors import InvalidInput
from sage_common.core.relevance import Relevance
from sage_training.language.relevance import Embedded


def test_remembering_stands_beside_raw_sqlite_and_the_peers(
    toy_place: Callable[..., Workplace],
) -> None:
    pytest.importorskip("emem")
    pytest.importorskip("sqlite_vec")
    found = remember.rows(toy_place())
    rows = by_name(found)
    alone = rows["remember, synced, one a commit"]
    assert alone.goal == 2_000 and alone.better == "higher" and alone.value > 0.0
    assert set(alone.baselines) == set(remember.ALONE)
    tail = rows["remember, synced, one a commit, p99"]
    assert tail.value == tail.p99 and tail.samples == TOY.alone
    assert set(rows["remember, synced, group commit"].baselines) == set(remember.GROUPED)


def test_recall_and_filters_of_every_peer(toy_place: Callable[..., Workplace]) -> None:
    for package in ("emem", "sqlite_vec", "usearch", "hnswlib", "faiss", "apsw"):
        pytest.importorskip(package)
    found = recall.rows(toy_place())
    rows = by_name(found)
    peers = {"eMEM", "sqlite-vec", "usearch, exact", "usearch HNSW", "hnswlib HNSW",
             "faiss SQ8", "numpy float32"}  # fmt: skip
    for size in ("120", "240"):
        whole = rows[f"recall@10 at {size}"]
        assert whole.value == 1.0 and set(whole.baselines) == peers
        assert whole.baselines["numpy float32"] == whole.baselines["sqlite-vec"] == 1.0
        assert whole.baselines["faiss SQ8"] == 1.0
        assert set(rows[f"recall of whole records at {size}, p50"].baselines) == peers
        taken = rows[f"time to take in {size}"]
        assert taken.value > 0.0
        assert set(taken.baselines) == {"eMEM", "sqlite-vec", "usearch HNSW", "hnswlib HNSW"}
    for kind in KINDS:
        row = rows[f"filter by {kind} keeping 10.0% of 240, recall@10"]
        assert row.value == 1.0, kind
        assert row.baselines["numpy float32"] == row.baselines["sqlite-vec"] == 1.0
        assert row.baselines["faiss SQ8"] == 1.0
        assert ("eMEM" in row.baselines) == (kind != "salience")
    assert "slowest filter to no filter at 240, p50" in rows
    assert rows["recall@10 at 100 independent"].value == 1.0
    assert not any("failed" in note for note in found.notes), found.notes


def test_recall_by_a_picture_and_by_a_sound(
    toy_place: Callable[..., Workplace], toy_sentences: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        recall_clips,
        "KINDS",
        (
            ("pictures", "vision", lambda *_: toy_sentences),
            ("seconds", "audio", lambda *_: toy_sentences),
        ),
    )
    workplace = toy_place()
    found = recall_clips.rows(workplace)
    rows = by_name(found)
    for name in ("pictures", "seconds"):
        assert rows[f"recall@10 at 80 {name}"].value == 1.0
        assert rows[f"recall@10 at 80 {name}"].baselines["numpy float32"] == 1.0
        assert rows[f"recall of whole records at 80 {name}, p50"].samples == TOY.queries
        assert f"80 {name}" in workplace.inputs
    assert "54 of 80 pictures are real, the others lie near them" in found.notes


def test_recall_of_what_was_recognised(toy_place: Callable[..., Workplace]) -> None:
    found = by_name(labelled.rows(toy_place()))
    for size in (120, 240):
        both = found[f"recall by words and classes at {size} labelled moments, p50"]
        assert both.baselines.keys() == {"words alone", "classes alone"}
        assert both.samples == TOY.queries


def test_recall_where_vectors_are_hard_to_tell_apart(
    toy_place: Callable[..., Workplace], toy_sentences: Sentences, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = tuple(f"{clips.VIDEOS[0].name} frame {number}" for number in range(60))
    monkeypatch.setattr(clips, "pictures", lambda *_: replace(toy_sentences, texts=walk))
    rows = by_name(alike.rows(toy_place()))
    for name in ("near-identical frames", "sparse vectors", "frames of the walk"):
        assert rows[f"recall@10 at 120 {name}"].value == 1.0
        for share in ("50.0%", "10.0%", "1.0%"):
            filtered = rows[f"filter by salience keeping {share} of 120 {name}, recall@10"]
            assert filtered.value == filtered.baselines["numpy float32"] == 1.0
    vectors = alike.sparse(toy_sentences, 500, 5).vectors
    assert vectors.min() >= 0.0 and 0.05 < (vectors > 0.0).mean() < 0.2
    frames = alike.drifting(toy_sentences, 500, 5).vectors
    assert (frames[1:] * frames[:-1]).sum(axis=1).min() > 0.9999


def test_a_peer_that_fails_is_named_and_the_others_are_measured(toy_sentences: Sentences) -> None:
    class Broken:
        name, most = "broken", float("inf")

        def fill(self, corpus: Corpus) -> None:
            raise RuntimeError("no room")

    def missing() -> object:
        raise ImportError("gone", name="somepackage")

    from sage_bench.memory.peers.numpy_product import NumpyPeer

    corpus = clustered(toy_sentences, 50, 6)
    large = NumpyPeer()
    large.most = 10.0  # type: ignore[misc]
    found = recall.measure(corpus, [missing, Broken, lambda: large, NumpyPeer], 6, 1.0)
    assert set(found.plain) == {"numpy float32"}
    assert "somepackage is not installed" in found.notes[0]
    assert found.notes[1] == "broken failed at 50: no room"
    assert "numpy float32 is not measured at 50" in found.notes[2]


def test_opening_is_measured_in_a_process_of_its_own(toy_place: Callable[..., Workplace]) -> None:
    pytest.importorskip("emem")
    rows = by_name(opening.rows(toy_place()))
    first = rows["open to the first answer at 240"]
    assert first.value > 0.0 and set(first.baselines) == {"eMEM at 240"}
    assert rows["memory of a process that holds 240, PSS"].value > 20.0


def test_a_killed_process_has_lost_nothing_of_ours(toy_place: Callable[..., Workplace]) -> None:
    pytest.importorskip("emem")
    (row,) = killing.rows(toy_place()).rows
    assert row.value == 0.0 and row.goal == 0.0 and row.samples == TOY.killed
    assert row.baselines == {"eMEM": 100.0}


def test_parts_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOSEN, "kill,open")
    assert list(chosen_parts(parts.PARTS)) == ["kill", "open"]
    monkeypatch.setenv(CHOSEN, "kil")
    with pytest.raises(InvalidInput, match="SAGE_BENCH_PARTS"):
        chosen_parts(parts.PARTS)
    monkeypatch.delenv(CHOSEN)
    assert chosen_parts(parts.PARTS) == dict(parts.PARTS)


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
    monkeypatch.delenv(CHOSEN, raising=False)
    setting = Setting(tmp_path, tmp_path, quick=False)
    whole = parts.measured(setting, TOY)
    assert whole.bench == "memory" and whole.inputs == {"made": "0"}
    assert whole.errors == ("other: no recording", "third: TypeError: no such field")
    assert [row.name for row in whole.rows] == ["made"], "what was measured is not lost"
    monkeypatch.setenv(CHOSEN, "one")
    assert parts.measured(setting, TOY).bench == "memory_one"


def test_questions_that_nothing_answers_are_told_so(
    toy_place: Callable[..., Workplace], monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = np.eye(16, dtype=np.float32)
    found = Embedded(axes[8:12], axes[:4], axes[:4], axes[:4, None])
    embedder = SimpleNamespace(encoder_id="made-1", embed=None)
    monkeypatch.setattr(relevance, "OpenTextEmbedder",
                        lambda *_: SimpleNamespace(embedder=embedder))  # fmt: skip
    monkeypatch.setattr(relevance, "text_relevance", lambda *_: Relevance(0.1, 0.05, 0.5))
    monkeypatch.setattr(relevance, "read_half", lambda *_, **__: None)
    monkeypatch.setattr(relevance, "embedded", lambda *_: found)
    workplace = toy_place()
    workplace.setting.models.mkdir(exist_ok=True)
    (workplace.setting.models / "minilm.json").write_text("{}")
    rows = by_name(relevance.rows(workplace))
    assert rows["questions without an answer among 4 that are answered"].value == 0.0
    lost = rows["questions with an answer among 4 that are declined"]
    assert lost.value == 0.0 and lost.samples == 4
