"""The search of the index against a brute-force oracle, and at sizes where it takes short cuts."""

from __future__ import annotations

import threading

import memory_index as truth
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_memory import Query
from sage_memory.core.index import scan, space
from sage_memory.core.index.index import ROLES, VectorIndex
from sage_memory.core.recall import conditions

RecordSource, build, proven = truth.RecordSource, truth.build, truth.proven
unit, puzzle, searched = truth.unit, truth.puzzle, truth.searched


def plain(number: int, vector: np.ndarray, **changes) -> dict:
    base = {
        "start_ns": number, "length": 0, "total": 0.5, "modality": "vision", "source": "front",
        "entity": "", "device_id": "r", "alive": True, "vectors": {("a", ROLES[0]): vector},
    }  # fmt: skip
    return base | changes


@settings(max_examples=300, deadline=None)
@given(truth.records, truth.queries)
def test_search_equals_the_oracle(items, drawn) -> None:
    asked = proven(drawn)
    hits = searched(build(items), asked, RecordSource(items))
    right = truth.oracle(items, asked)
    assert len(hits) == min(asked.limit, len(right)), "ten answers whenever ten exist"
    assert len({hit.row for hit in hits}) == len(hits)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    best = sorted(right.values(), reverse=True)[: asked.limit]
    np.testing.assert_allclose(scores, best, atol=1e-6)
    for hit in hits:
        assert abs(right[hit.row + 1] - hit.score) < 1e-6


@settings(max_examples=100, deadline=None)
@given(truth.records, truth.queries)
def test_hooks_lead_where_building_anew_leads(items, drawn) -> None:
    """Forgotten, revived, replaced and updated: equal to an index of what the rows say then."""
    asked = proven(drawn)
    index = build(items)
    changed = [dict(item) for item in items]
    for number, item in enumerate(changed, start=1):
        if number % 5 == 0:
            item["vectors"] = {}
            index.drop_vectors([number])
        if number % 5 == 1 and item["vectors"]:
            item["encoding"] = "i8"
            index.replace_vectors(
                [truth.vector_row(number, e, r, item) for e, r in item["vectors"]]
            )
        if number % 3 == 0:
            item["entity"] = "anna"
            index.update(number, entity="anna")
        if number % 7 == 0:
            item["alive"], item["vectors"] = False, {}
            index.forget([number])
        if number % 14 == 0:
            item["alive"] = True
            index.revive([number])
    fresh = build(changed)
    assert index.checksums() == fresh.checksums()
    source = RecordSource(changed)
    assert searched(index, asked, source) == searched(fresh, asked, source)


@pytest.fixture
def bits_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some thousand vectors are told apart by bits first, as more of them are."""
    monkeypatch.setattr(space, "STATISTICS_FROM", 2048)
    monkeypatch.setattr(scan, "FEW_IN_ALL", 2048)
    monkeypatch.setattr(scan, "FEW", 512)


@pytest.fixture(scope="module")
def clustered() -> list[dict]:
    """6,000 vectors in 64 dimensions' worth of bits and more, in 50 heaps; a sixth are heard."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, 96))
    return [
        plain(
            number,
            unit(centres[rng.integers(50)] + 0.4 * rng.normal(size=96)),
            modality="audio" if number % 6 == 0 else "vision",
            source="rare" if number % 300 == 0 else "front",
        )
        for number in range(6000)
    ]


@pytest.fixture(scope="module")
def large(clustered) -> VectorIndex:
    return build(clustered, parts=7)


@pytest.mark.parametrize("by_bits", [False, True])
@pytest.mark.parametrize(
    "condition", [{}, {"modality": "audio"}, {"modality": "vision"}, {"source": "rare"},
                  {"start_ns": 5000}, {"source": "rare", "end_ns": 2000}]
)  # fmt: skip
def test_the_ten_nearest_are_found_among_many(
    clustered, large, condition, by_bits, request
) -> None:
    if by_bits:
        request.getfixturevalue("bits_of_few")
        large = build(clustered, parts=7)
    matrix = np.stack([item["vectors"]["a", ROLES[0]] for item in clustered])
    rng = np.random.default_rng(1)
    found, all_of_them = 0, 0
    for _ in range(40):
        vector = unit(matrix[rng.integers(len(matrix))] + 0.05 * rng.normal(size=96))
        asked = proven(Query(text_embedding=vector, text_encoder_id="a", **condition))
        hits = searched(large, asked, RecordSource(clustered))
        fitting = np.array([
            all(item[name] == value for name, value in condition.items() if isinstance(value, str))
            and item["start_ns"] >= condition.get("start_ns", 0)
            and item["start_ns"] <= condition.get("end_ns", 10**6)
            for item in clustered
        ])  # fmt: skip
        scores = np.where(fitting, matrix @ vector, -2.0)
        best = np.argsort(-scores)[: min(10, fitting.sum())]
        assert len(hits) == len(best), "ten answers whenever ten exist"
        found += len(set(best.tolist()) & {hit.row for hit in hits})
        all_of_them += len(best)
    assert found >= 0.99 * all_of_them


@pytest.mark.usefixtures("bits_of_few")
@pytest.mark.parametrize("condition", [{}, {"modality": "vision"}])
def test_the_nearest_to_two_meanings_are_found_among_many(clustered, condition) -> None:
    rng = np.random.default_rng(3)
    items = [dict(item) for item in clustered]
    for item in items[::3]:  # words were heard around it
        words = unit(rng.normal(size=96) + 6 * items[rng.integers(6000)]["vectors"]["a", ROLES[0]])
        item["vectors"] = item["vectors"] | {("a", ROLES[1]): words}
    index, source = build(items, parts=7), RecordSource(items)
    found, all_of_them = 0, 0
    for _ in range(20):
        of_words, of_percept = (
            unit(items[rng.integers(6000)]["vectors"]["a", ROLES[0]] + 0.05 * rng.normal(size=96))
            for _ in range(2)
        )
        asked = Query(text_embedding=of_words, text_encoder_id="a", example=of_percept,
                      example_encoder_id="a", **condition)  # fmt: skip
        hits = searched(index, asked, source)
        scores = {
            row: (max(float(v @ of_words) for v in item["vectors"].values())
                  + float(item["vectors"]["a", ROLES[0]] @ of_percept)) / 2
            for row, item in enumerate(items)
            if all(item[name] == value for name, value in condition.items())
        }  # fmt: skip
        best = sorted(scores, key=lambda row: -scores[row])[:10]
        np.testing.assert_allclose([hit.score for hit in hits],
                                   [scores[hit.row] for hit in hits], atol=1e-5)  # fmt: skip
        found += len(set(best) & {hit.row for hit in hits})
        all_of_them += len(best)
    assert found >= 0.99 * all_of_them


def test_equal_vectors_are_told_apart_by_age(clustered) -> None:
    same = unit(np.arange(1, 97))
    items = [plain(number, same) for number in range(5000)]
    asked = proven(Query(text_embedding=same, text_encoder_id="a"))
    hits = searched(build(items), asked, RecordSource(items))
    assert [hit.row for hit in hits] == list(range(4999, 4989, -1))


def test_what_stands_beside_changes_no_bit_of_a_score(clustered, large) -> None:
    vector = unit(np.random.default_rng(2).normal(size=96))
    asked = proven(Query(text_embedding=vector, text_encoder_id="a", limit=50))
    whole = {hit.row: hit.score for hit in searched(large, asked, RecordSource(clustered))}
    for row, score in whole.items():
        alone = VectorIndex()
        item = clustered[row]
        alone.add([truth.experience_row(1, item)], [truth.vector_row(1, "a", ROLES[0], item)])
        assert searched(alone, asked, RecordSource([item]))[0].score == score


def test_a_puzzle_is_found_without_reading_all() -> None:
    rng = np.random.default_rng(0)
    items = [plain(n, unit([1, 0, 0]), puzzle=int(rng.integers(10**6))) for n in range(3000)]
    source = RecordSource(items)
    asked = proven(Query(example_codes=puzzle(int(items[1234]["puzzle"]))))
    index = build(items)
    hits = searched(index, asked, source)
    assert hits[0].row == 1234 and hits[0].score == 1.0
    assert source.puzzles_read <= 600
    best = sorted(truth.oracle(items, asked).values(), reverse=True)[:10]
    np.testing.assert_allclose([hit.score for hit in hits], best, atol=1e-6)


def test_a_view_does_not_see_later_experiences() -> None:
    items = [plain(number, unit([1, number, 0])) for number in range(500)]
    index = build(items[:1])
    view = index.view()
    later = range(2, 501)
    index.add(
        [truth.experience_row(number, items[number - 1]) for number in later],
        [truth.vector_row(number, "a", ROLES[0], items[number - 1]) for number in later],
    )
    assert len(view.columns["number"]) == 1 and view.spaces["a"].count == 1
    asked = proven(Query(text_embedding=unit([1, 0, 0]), text_encoder_id="a", limit=1000))
    assert len(searched(index, asked, RecordSource(items))) == 500


def test_a_damaged_vector_is_left_out_and_named() -> None:
    items = [plain(number, unit([1, number, 0])) for number in range(3)]
    index = VectorIndex()
    good = [truth.vector_row(n + 1, "a", ROLES[0], item) for n, item in enumerate(items)]
    index.add(
        [truth.experience_row(n + 1, item) for n, item in enumerate(items)],
        [good[0], good[1]._replace(vector=bytes(12)), good[2]._replace(dim=4)],
    )
    assert index.vector_count == 1 and sorted(index.damaged) == [2, 3]


def test_what_is_appended_while_searching_is_found_or_not_yet(clustered) -> None:
    index = build(clustered[:1500])
    source = RecordSource(clustered)

    def append() -> None:
        for number in range(1501, 4001, 50):
            some = range(number, number + 50)
            index.add(
                [truth.experience_row(n, clustered[n - 1]) for n in some],
                [truth.vector_row(n, "a", ROLES[0], clustered[n - 1]) for n in some],
            )

    writer = threading.Thread(target=append)
    writer.start()
    rounds = 0
    while writer.is_alive() or rounds < 5:
        rounds += 1
        vector = clustered[rounds % 4000]["vectors"]["a", ROLES[0]]
        asked = proven(Query(text_embedding=vector, text_encoder_id="a"))
        hits = searched(index, asked, source)
        assert len(hits) == 10
        for hit in hits:
            exact = float(clustered[hit.row]["vectors"]["a", ROLES[0]] @ vector)
            assert hit.score == pytest.approx(exact, abs=1e-6)
    writer.join()
    assert len(index) == 4000 and index.vector_count == 4000
    for row in (0, 1499, 1500, 3999):
        vector = clustered[row]["vectors"]["a", ROLES[0]]
        asked = proven(Query(text_embedding=vector, text_encoder_id="a"))
        assert searched(index, asked, source)[0].row == row


@settings(max_examples=100, deadline=None)
@given(truth.records, truth.queries, st.booleans(), st.sampled_from([0.0, 0.5, 2.0]))
def test_conditions_keep_what_each_row_fulfils(items, drawn, sort, pick_below) -> None:
    """Whether times ascend or not, and however few rows are picked out."""
    if sort:
        items = [item | {"length": 2} for item in sorted(items, key=lambda item: item["start_ns"])]
    view = build(items).view()
    assert not sort or view.ascending == {"start_ns", "end_ns"}
    tried = conditions.conditions(view, proven(drawn))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conditions, "PICK_BELOW", pick_below)
        fitting, kept = conditions.wanted(view, tried)
    rows = set(np.flatnonzero(view.columns["alive"]).tolist())
    assert kept[0].count == len(rows)
    for condition, told in zip(tried, kept[1:], strict=True):
        rows = {row for row in rows if condition.holds(view.columns, row)}
        assert told.count == len(rows), told.condition
    assert np.flatnonzero(fitting).tolist() == sorted(rows)


def test_times_that_change_no_longer_ascend_and_older_views_keep_theirs() -> None:
    index = build([plain(number, unit([1.0, 0.0, 0.0])) for number in range(10, 20)])
    before = index.view()
    index.update(6, start_ns=15)
    assert index.view().ascending == {"start_ns", "end_ns"}, "nothing has changed"
    index.update(6, start_ns=3)
    assert index.view().ascending == {"end_ns"}
    assert before.columns["start_ns"].tolist() == list(range(10, 20))
    assert before.ascending == {"start_ns", "end_ns"}
    hits = searched(index, Query(end_ns=12), RecordSource([]))
    assert sorted(hit.row for hit in hits) == [0, 1, 2, 5]
