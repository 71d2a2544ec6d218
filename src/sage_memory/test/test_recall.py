"""Recall through the memory: meanings, conditions, reasons, and what is to be known beside."""

from __future__ import annotations

import zlib
from dataclasses import replace

import memory_index as truth
import numpy as np
import pytest
from sqlalchemy import delete, insert, update

from sage_common.core.errors import InvalidInput
from sage_memory import Memory, Place, Query
from sage_memory.core.engine.schema import summary_members, vectors
from sage_memory.core.recall.query import checked
from sage_memory.core.rows.changes import set_columns
from sage_memory.core.rows.encoded_vectors import encode_int8

unit, puzzle = truth.unit, truth.puzzle


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
        (Query(example_codes=np.full((30, 30), 10, np.uint8)), "example_codes"),
        (Query(example_codes=np.zeros((3, 3), np.uint8)), "example_codes"),
        (Query(place=(0.0, 0.0, 0.0), place_radius_m=1.0), "place_frame"),
        (Query(place=(0.0, np.inf, 0.0), place_frame="map", place_radius_m=1.0), "place"),
        (Query(place=(0.0, 0.0, np.nan), place_frame="map"), "place_radius_m"),
        (Query(alternatives={"b": np.ones(3, np.float32)}), "alternatives"),
    ],
)  # fmt: skip
def test_wrong_query_names_its_field(tmp_path, experience, asked, field) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
        with pytest.raises(InvalidInput, match=field):
            memory.recall(asked)


def test_words_find_the_moments_of_all_modalities(tmp_path, experience) -> None:
    dog, car = unit([1, 0, 0.1]), unit([0, 1, 0.1])
    heard = {"text_encoder_id": "minilm", "text": "look, a dog", "text_embedding": dog}
    with Memory.open(tmp_path) as memory:
        seen = memory.remember(experience(1, **heard)).result()
        listened = memory.remember(experience(2, modality="audio", **heard)).result()
        said = memory.remember(
            experience(
                3, modality="language", text="look, a dog", embedding=dog, encoder_id="minilm"
            )
        ).result()
        other = heard | {"text": "a car", "text_embedding": car}
        memory.remember(experience(4, **other)).result()
        memory.remember(experience(5)).result()
        asked = Query(text="dog", text_embedding=dog, text_encoder_id="minilm", limit=3)
        answers = memory.recall(asked)
        assert {a.experience.id for a in answers} == {seen.id, listened.id, said.id}
        reasons = {a.experience.modality: a.reason for a in answers}
        assert reasons["vision"].startswith('words around it: "look, a dog"; similarity 1.00')
        assert reasons["language"].startswith('said: "look, a dog"')
        only = memory.recall(replace(asked, modality="audio"))
        assert [a.experience.id for a in only] == [listened.id]
        assert len(memory.recall(replace(asked, limit=10))) == 4, "no words, no answer by words"


def test_what_was_read_is_told_from_what_was_said(tmp_path, experience) -> None:
    vector = unit([1, 0, 0.1])
    said = {"modality": "language", "text": "EXIT 12", "embedding": vector, "encoder_id": "minilm"}
    asked = Query(text="exit", text_embedding=vector, text_encoder_id="minilm")
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(1, source="read", **said)).result()
        memory.remember(experience(2, source="text", **said)).result()
        answers = memory.recall(asked)
    reasons = {a.experience.source: a.reason.partition(";")[0] for a in answers}
    assert reasons == {"read": 'read: "EXIT 12"', "text": 'said: "EXIT 12"'}


def test_a_store_remembers_which_modalities_are_instances_of_others(tmp_path, experience) -> None:
    said = experience(1, modality="radio", text="look, a dog", entity="anna", encoder_id="minilm")
    with Memory.open(tmp_path, instances=("radio language", "rear vision")) as memory:
        memory.remember(said).result()
        memory.learn_about(said, 60.0).result()
        assert "speaker:anna" in memory.entities()
    with Memory.open(tmp_path, instances=("rear audio",)) as memory:
        assert memory.modality_specs["rear"].payload == "sound"
    with Memory.open(tmp_path, read_only=True) as memory:
        (answer,) = memory.recall(Query(example=said.embedding, example_encoder_id="minilm"))
        assert answer.reason.startswith('said: "look, a dog"')
        assert memory.modality_specs["rear"].payload == "sound"
        assert not memory.inspect()
    with Memory.open(tmp_path, read_only=True, instances=("rear vision", "left audio")) as memory:
        specs = memory.modality_specs
        assert [specs[name].payload for name in ("rear", "left")] == ["picture", "sound"]
        assert specs["radio"].words, "of the store"
    with Memory.open(tmp_path, read_only=True) as memory:
        assert memory.modality_specs["left"].payload == "none", "a reader saves nothing"
    with pytest.raises(InvalidInput, match="instances"):
        Memory.open(tmp_path, read_only=True, instances=("rear",))


def test_an_experience_as_example_finds_its_likes_not_itself(tmp_path, experience) -> None:
    base = np.zeros(16, np.float32)
    base[0] = 1.0
    near = base.copy()
    near[1] = 0.1
    with Memory.open(tmp_path) as memory:
        first = memory.remember(experience(1, embedding=base)).result()
        twin = memory.remember(experience(2, embedding=near)).result()
        far = memory.remember(experience(3, embedding=-base)).result()
        answers = memory.recall(Query(example_id=first.id))
        assert [a.experience.id for a in answers] == [twin.id, far.id]
        assert answers[0].score > 0.99 and answers[1].score == pytest.approx(-1.0)


def test_each_encoder_is_searched_in_its_own_space(tmp_path, experience) -> None:
    same = np.ones(16, np.float32)
    with Memory.open(tmp_path) as memory:
        old = memory.remember(experience(1, embedding=same, encoder_id="vision-1")).result()
        new = memory.remember(experience(2, embedding=same, encoder_id="vision-2")).result()
        for encoder_id, kept in (("vision-1", old), ("vision-2", new)):
            answers = memory.recall(Query(example=same, example_encoder_id=encoder_id))
            assert [a.experience.id for a in answers] == [kept.id]
        assert memory.recall(Query(example=same, example_encoder_id="unknown")) == []


def test_without_a_meaning_the_most_salient_come_first(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        for index, total in enumerate([0.2, 0.9, 0.5]):
            memory.remember(experience(index, total=total)).result()
        answers = memory.recall(Query(min_salience=0.3))
    assert [a.score for a in answers] == pytest.approx([0.9, 0.5])
    assert answers[0].reason == "salience 0.90: reason 1"


def test_a_place_an_entity_and_a_time_are_conditions(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kitchen = memory.remember(experience(1, place=Place("map", (1.0, 2.0, 0.0)))).result()
        above = memory.remember(experience(2, place=Place("map", (1.0, 2.0, 3.0)))).result()
        memory.remember(experience(3, place=Place("odom", (1.0, 2.0, 0.0)))).result()
        anna = memory.remember(experience(4, entity="anna")).result()
        near = Query(place_frame="map", place=(1.5, 2.0, 0.0), place_radius_m=1.0)
        assert [a.experience.id for a in memory.recall(near)] == [kitchen.id]
        anywhere_above = replace(near, place=(1.5, 2.0, float("nan")))
        found = {a.experience.id for a in memory.recall(anywhere_above)}
        assert found == {kitchen.id, above.id}
        assert [a.experience.id for a in memory.recall(Query(entity="anna"))] == [anna.id]
        assert memory.recall(replace(near, entity="anna")) == []


def test_what_came_close_and_was_declined_is_told(tmp_path, experience) -> None:
    base = np.ones(16, np.float32)
    with Memory.open(tmp_path) as memory:
        heard = memory.remember(experience(1, embedding=base, modality="audio")).result()
        dull = memory.remember(experience(2, embedding=base, total=0.1)).result()
        memory.remember(experience(3, embedding=-base, total=0.9)).result()
        asked = Query(
            example=base, example_encoder_id="vision-1-abc", modality="vision",
            min_salience=0.5, with_declined=True,
        )  # fmt: skip
        recalled = memory._current().ask(checked(asked))
        reasons = {declined.id: declined.reason for declined in recalled.declined}
        assert reasons[dull.id] == "salience 0.10 is below 0.50"
        assert reasons[heard.id].startswith("modality is audio, not vision")
        assert [kept.count for kept in recalled.kept] == [3, 2, 1]
        assert len(recalled.answers) == 1 and recalled.answers[0].rank == 1


def test_one_question_is_asked_in_the_spaces_of_several_models(tmp_path, experience) -> None:
    """The old model finds strangers at 0.9, the new one at 0: standing out is what counts."""
    rng = np.random.default_rng(0)
    common = np.ones(16) * 3.0
    with Memory.open(tmp_path) as memory:
        for index in range(40):
            old = (common + 0.3 * rng.normal(size=16)).astype(np.float32)
            memory.remember(experience(index, embedding=old, encoder_id="old")).result()
            new = rng.normal(size=16).astype(np.float32)
            memory.remember(experience(50 + index, embedding=new, encoder_id="new")).result()
        target = rng.normal(size=16).astype(np.float32)
        close = (target + 0.3 * rng.normal(size=16)).astype(np.float32)
        wanted = memory.remember(experience(99, embedding=close, encoder_id="new")).result()
        bare = memory.remember(experience(100, encoder_id="third")).result()
        question = (common + 0.3 * rng.normal(size=16)).astype(np.float32)
        asked = Query(example=question, example_encoder_id="old", alternatives={"new": target})
        recalled = memory._current().ask(checked(asked))
        assert recalled.answers[0].experience.id == wanted.id
        assert recalled.answers[0].parts[0].encoder_id == "new"
        scores = [answer.score for answer in recalled.answers]
        assert scores == sorted(scores, reverse=True)
        assert recalled.notes == [
            "1 experience has no vector of old or new and could not be compared"
        ]
        assert bare.id not in {answer.experience.id for answer in recalled.answers}


def test_a_puzzle_finds_the_puzzles_that_differ_least(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = [memory.remember(experience(n, codes=puzzle(n))).result() for n in range(20)]
        answers = memory.recall(Query(example_codes=puzzle(7), limit=20))
        assert answers[0].experience.id == kept[7].id and answers[0].score == 1.0
        for answer in answers:
            difference = np.abs(answer.experience.codes.astype(int) - puzzle(7)).sum()
            assert answer.score == pytest.approx(1.0 - difference / 8100)
        assert answers[0].reason == "vision: similarity 1.00 to the puzzle"


def test_of_a_summary_and_what_it_covers_the_best_answers(tmp_path, experience) -> None:
    base = np.ones(16, np.float32)
    with Memory.open(tmp_path) as memory:
        members = [memory.remember(experience(n, embedding=base)).result() for n in range(12)]
        other = memory.remember(experience(20, embedding=-base)).result()
        near = base.copy()
        near[0] = 0.5
        summary = memory.remember(experience(30, embedding=near, covers=12)).result()
        links = [{"summary_id": summary.id, "member_id": member.id} for member in members]
        memory._writable().change(lambda c: c.execute(insert(summary_members), links)).result()
        asked = Query(example=base, example_encoder_id="vision-1-abc", limit=3)
        answers = memory.recall(asked)
        assert [answer.experience.id for answer in answers] == [members[-1].id, other.id]
        assert answers[0].summary_id == summary.id
        assert "one of those in the summary" in answers[0].reason
        every = memory.recall(replace(asked, covered=True, limit=20))
        assert len(every) == 14


def test_an_example_without_a_vector_is_refused_by_name(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(1)).result()
        memory._writable().change(lambda c: c.execute(delete(vectors))).result()
        with pytest.raises(InvalidInput, match=r"example_id.*that has a vector"):
            memory.recall(Query(example_id=kept.id))


def test_another_process_sees_what_has_changed(tmp_path, experience) -> None:
    """An entity that is corrected, vectors that are evicted, and one that becomes int8."""
    with Memory.open(tmp_path) as memory, Memory.open(tmp_path, read_only=True) as reader:
        kept = [memory.remember(experience(number)).result() for number in range(4)]
        asked = Query(example=experience(1).embedding, example_encoder_id="vision-1-abc")
        assert len(reader.recall(asked)) == 4
        store = memory._writable()

        def change(connection) -> None:
            set_columns(connection, [kept[0].id], {"entity": "anna"})
            connection.execute(delete(vectors).where(vectors.c.experience_id == kept[2].id))
            blob = encode_int8(experience(1).embedding[None])[0]
            small = {"encoding": "i8", "vector": blob, "crc32": zlib.crc32(blob)}
            row = vectors.c.experience_id == kept[1].id
            connection.execute(update(vectors).where(row).values(**small))
            for place, field in ((0, "entity"), (1, "vectors"), (2, "vectors")):
                store.set_clock(connection, kept[place].id, field)

        store.change(change).result()
        answers = reader.recall(asked)
        assert {a.experience.id for a in answers} == {kept[0].id, kept[1].id, kept[3].id}
        assert [a.experience.id for a in reader.recall(Query(entity="anna"))] == [kept[0].id]
        reader.verify()
