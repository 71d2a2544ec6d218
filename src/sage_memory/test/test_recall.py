"""Recall: filter first, exact, each encoder in its own space; against a brute-force oracle."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_memory import Memory, Query
from sage_memory.core.index import COLUMNS, ROLES, VectorIndex, VectorRow
from sage_memory.core.recall import checked, probes, search

ENCODERS = ("a", "b")
MODALITIES = ("vision", "audio")


def unit(values) -> np.ndarray:
    vector = np.asarray(values, np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


coarse = st.sampled_from([-1.0, -0.5, 0.5, 1.0])  # few values, so that ties happen
vector = st.tuples(coarse, coarse, coarse).map(unit)
record = st.fixed_dictionaries(
    {
        "start_ns": st.integers(0, 50),
        "length": st.integers(0, 5),
        "total": st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
        "modality": st.sampled_from(MODALITIES),
        "source": st.sampled_from(["front", "back"]),
        "device_id": st.sampled_from(["r1", "r2"]),
        "alive": st.booleans(),
        "vectors": st.dictionaries(
            st.tuples(st.sampled_from(ENCODERS), st.sampled_from(ROLES)), vector, max_size=4
        ),
    }
)
query = st.builds(
    Query,
    text_embedding=st.none() | vector,
    example=st.none() | vector,
    start_ns=st.none() | st.integers(0, 30),
    end_ns=st.none() | st.integers(30, 60),
    min_salience=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    modality=st.sampled_from(["", *MODALITIES, "touch"]),
    source=st.sampled_from(["", "front"]),
    device_id=st.sampled_from(["", "r2"]),
    limit=st.integers(1, 12),
)


def build(records) -> VectorIndex:
    index = VectorIndex()
    rows, vectors = [], []
    for number, item in enumerate(records, start=1):
        whole = item | {"number": number, "end_ns": item["start_ns"] + item["length"]}
        rows.append([whole[name] for name in COLUMNS])
        for (encoder, role), values in item["vectors"].items():
            blob = values.tobytes()
            vectors.append(VectorRow(number, encoder, role, 3, zlib.crc32(blob), blob))
    half = len(rows) // 2
    index.add(rows[:half], [v for v in vectors if v.number <= half])
    index.add(rows[half:], [v for v in vectors if v.number > half])
    return index


def oracle(records, asked: Query) -> dict[int, float]:
    """Score of every experience that fits, by the definition."""
    found = {}
    for number, item in enumerate(records, start=1):
        end = item["start_ns"] + item["length"]
        fits = (
            item["alive"]
            and (asked.start_ns is None or end >= asked.start_ns)
            and (asked.end_ns is None or item["start_ns"] <= asked.end_ns)
            and item["total"] >= asked.min_salience
            and asked.modality in ("", item["modality"])
            and asked.source in ("", item["source"])
            and asked.device_id in ("", item["device_id"])
        )
        similarities = []
        if asked.text_embedding is not None:
            own = [v for (e, _), v in item["vectors"].items() if e == "a"]
            similarities.append(max((float(v @ asked.text_embedding) for v in own), default=None))
        if asked.example is not None:
            own = [v for (e, r), v in item["vectors"].items() if (e, r) == ("b", ROLES[0])]
            similarities.append(max((float(v @ asked.example) for v in own), default=None))
        if fits and None not in similarities:
            found[number] = float(np.mean(similarities)) if similarities else item["total"]
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(record, max_size=40), query)
def test_search_equals_the_oracle(records, asked) -> None:
    asked = checked(
        replace(
            asked,
            text_encoder_id="a" if asked.text_embedding is not None else "",
            example_encoder_id="b" if asked.example is not None else "",
        )
    )
    hits = search(build(records).view(), asked, probes(asked))
    truth = oracle(records, asked)
    assert len(hits) == min(asked.limit, len(truth)), "ten answers whenever ten exist"
    assert len({hit.number for hit in hits}) == len(hits)
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    best = sorted(truth.values(), reverse=True)[: asked.limit]
    np.testing.assert_allclose(scores, best, atol=1e-6)
    for hit in hits:
        assert abs(truth[hit.number] - hit.score) < 1e-6


def test_the_rare_ten_are_found_among_many() -> None:
    rng = np.random.default_rng(0)
    records = [
        {
            "start_ns": i, "length": 0, "total": 0.5, "source": "front", "device_id": "r",
            "modality": "audio" if i % 100 == 0 else "vision", "alive": True,
            "vectors": {("a", ROLES[0]): unit(rng.normal(size=3))},
        }
        for i in range(1000)
    ]  # fmt: skip
    asked = Query(text_embedding=unit([1, 0, 0]), text_encoder_id="a", modality="audio")
    hits = search(build(records).view(), asked, probes(asked))
    assert sorted(hit.number for hit in hits) == [1 + 100 * i for i in range(10)]


def test_view_does_not_see_later_experiences() -> None:
    index = build([])
    base = {"start_ns": 0, "end_ns": 0, "total": 1.0, "modality": "m", "source": "s",
            "device_id": "d", "alive": True}  # fmt: skip

    def add(numbers) -> None:
        index.add([[(base | {"number": n})[name] for name in COLUMNS] for n in numbers], [])

    add([1])
    view = index.view()
    add(range(2, 500))
    assert [hit.number for hit in search(view, Query(limit=1000), [])] == [1]
    assert len(search(index.view(), Query(limit=1000), [])) == 499


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (Query(limit=0), "limit"),
        (Query(limit=1001), "limit"),
        (Query(min_salience=float("nan")), "min_salience"),
        (Query(start_ns=5, end_ns=4), "start_ns"),
        (Query(start_ns=-1), "start_ns"),
        (Query(example=np.ones(3, np.float32)), "example_encoder_id"),
        (Query(text_encoder_id="a"), "text_encoder_id"),
        (Query(example=np.full(16, np.nan, np.float32), example_encoder_id="vision-1-abc"),
         "example"),
        (Query(example=np.ones(3, np.float32), example_encoder_id="vision-1-abc"), "example"),
        (Query(example_id=b"y" * 16), "example_id"),
        (Query(example_id=b"short"), "example_id"),
    ],
)  # fmt: skip
def test_wrong_query_names_its_field(tmp_path, experience, asked, field) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).wait()
        with pytest.raises(InvalidInput, match=field):
            memory.recall(asked)


def test_words_find_the_moments_of_all_modalities(tmp_path, experience) -> None:
    dog, car = unit([1, 0, 0.1]), unit([0, 1, 0.1])
    heard = {"text_encoder_id": "minilm", "text": "look, a dog", "text_embedding": dog}
    with Memory.open(tmp_path) as memory:
        seen = memory.remember(experience(1, **heard)).wait()
        listened = memory.remember(experience(2, modality="audio", **heard)).wait()
        said = memory.remember(
            experience(
                3, modality="language", text="look, a dog", embedding=dog, encoder_id="minilm"
            )
        ).wait()
        other = heard | {"text": "a car", "text_embedding": car}
        memory.remember(experience(4, **other)).wait()
        memory.remember(experience(5)).wait()
        asked = Query(text="dog", text_embedding=dog, text_encoder_id="minilm", limit=3)
        answers = memory.recall(asked)
        assert {a.experience.id for a in answers} == {seen.id, listened.id, said.id}
        reasons = {a.experience.modality: a.reason for a in answers}
        assert reasons["vision"].startswith('heard around it: "look, a dog"; similarity 1.00')
        assert reasons["language"].startswith('said: "look, a dog"')
        only = memory.recall(replace(asked, modality="audio"))
        assert [a.experience.id for a in only] == [listened.id]
        assert len(memory.recall(replace(asked, limit=10))) == 4, "no words, no answer by words"


def test_an_experience_as_example_finds_its_likes_not_itself(tmp_path, experience) -> None:
    base = np.zeros(16, np.float32)
    base[0] = 1.0
    near = base.copy()
    near[1] = 0.1
    with Memory.open(tmp_path) as memory:
        first = memory.remember(experience(1, embedding=base)).wait()
        twin = memory.remember(experience(2, embedding=near)).wait()
        far = memory.remember(experience(3, embedding=-base)).wait()
        answers = memory.recall(Query(example_id=first.id))
        assert [a.experience.id for a in answers] == [twin.id, far.id]
        assert answers[0].score > 0.99 and answers[1].score == pytest.approx(-1.0)


def test_each_encoder_is_searched_in_its_own_space(tmp_path, experience) -> None:
    same = np.ones(16, np.float32)
    with Memory.open(tmp_path) as memory:
        old = memory.remember(experience(1, embedding=same, encoder_id="vision-1")).wait()
        new = memory.remember(experience(2, embedding=same, encoder_id="vision-2")).wait()
        for encoder_id, kept in (("vision-1", old), ("vision-2", new)):
            answers = memory.recall(Query(example=same, example_encoder_id=encoder_id))
            assert [a.experience.id for a in answers] == [kept.id]
        assert memory.recall(Query(example=same, example_encoder_id="unknown")) == []


def test_without_a_meaning_the_most_salient_come_first(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        for index, total in enumerate([0.2, 0.9, 0.5]):
            memory.remember(experience(index, total=total)).wait()
        answers = memory.recall(Query(min_salience=0.3))
    assert [a.score for a in answers] == pytest.approx([0.9, 0.5])
    assert answers[0].reason == "salience 0.90: reason 1"
