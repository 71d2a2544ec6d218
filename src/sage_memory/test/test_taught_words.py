"""Words are taught with a few examples, found in what is kept, and outlive what happens to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sleep_home
from experiences import START_NS
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Box, Label, Labels
from sage_memory import Memory, Query
from sage_memory.backends.payload_decoding import picture
from sage_memory.backends.payload_encoding import picture as encoded
from sage_memory.core.experience import Payload, unit_vector
from sage_memory.core.recovery.repair import repair
from sage_memory.core.store.taught_naming import PictureFeatures
from sage_memory.core.taught.examples import MOST_EXAMPLES, Example, pack_examples, unpack_examples
from sage_memory.core.taught.rows import values_of, word_of
from sage_memory.core.taught.taught_word import KINDS, Look, TaughtWord, checked, plain_word

BY = "colours-1@0"
BOX = (0.875, 0.0, 0.125, 1.0)


def colours(payload: bytes, boxes: Sequence[Box]) -> list[Look]:
    """Means of a picture's colours, features as simple as can be."""
    image = picture(payload)
    height, width = image.shape[:2]
    found = []
    for box in (None, *boxes):
        left, top, wide, high = box or (0.0, 0.0, 1.0, 1.0)
        rows = slice(round(top * height), round((top + high) * height))
        part = image[rows, round(left * width) : round((left + wide) * width)]
        mean = part.mean(axis=(0, 1)).astype(np.float32)
        found.append(Look(unit_vector("features", mean), box))
    return found


FEATURES = PictureFeatures(BY, colours)
RED, GREEN, BLUE = np.eye(3, dtype=np.float32)


def plain(colour: np.ndarray) -> Payload:
    return encoded(np.full((24, 32, 3), np.round(240 * colour), np.uint8))


def word(*colours: np.ndarray, name: str = "my cup", of: bytes = b"", kind: str = "picture"):
    examples = tuple(Example.of(colour, of) for colour in colours)
    return TaughtWord(name, kind, BY, examples, 0, START_NS)


def seen(memory: Memory, identifier: bytes) -> list[str]:
    return [name for one in memory.labels(identifier) for name in one.vocabulary]


def look(memory: Memory):
    work = memory.taught_naming(FEATURES)
    while work.step():
        pass
    return work.done


@pytest.mark.parametrize(
    ("name", "plain"),
    [("My  Cup ", "my cup"), ("我的杯子", "我的杯子"), ("чашка", "чашка"), ("मेरा कप", "मेरा कप"),
     ("كوبي", "كوبي"), ("ถ้วย", "ถ้วย"), ("TASSE à café", "tasse à café"), ("R2-D2", "r2-d2")],
)  # fmt: skip
def test_words_of_any_language_are_kept_plain(name: str, plain: str) -> None:
    assert plain_word(name) == plain == plain_word(plain)


@pytest.mark.parametrize("name", ["", "   ", "?!", "x" * 65, "\ud800", "a\x00b", 7])
def test_a_word_that_is_none_is_refused(name) -> None:
    with pytest.raises(InvalidInput, match="word = "):
        plain_word(name)


@given(st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=5, max_size=5), max_size=32))
def test_examples_come_back_as_they_were_written(rows: list[list[float]]) -> None:
    vectors = [np.array(row, np.float32) for row in rows if np.linalg.norm(row) > 1e-3]
    examples = tuple(Example.of(v, bytes([i] * 16) if i else b"") for i, v in enumerate(vectors))
    if not examples:
        return
    kept = TaughtWord("cup", "sound", BY, examples)
    again = word_of(values_of(kept))
    assert again.blob == kept.blob and again.model_id == kept.model_id
    for one, other in zip(again.examples, examples, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        assert one.experience_id == other.experience_id


@given(st.binary(max_size=80))
def test_any_bytes_are_examples_or_refused(blob: bytes) -> None:
    try:
        found = unpack_examples(blob)
    except InvalidInput:
        return
    assert pack_examples(found)[:2] == blob[:2]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("word", word(RED, name="My Cup")),
        ("kind", word(RED, kind="smell")),
        ("features_by", replace(word(RED), features_by="")),
        ("examples", word()),
        ("examples", word(RED, np.ones(4, np.float32))),
        ("examples", word(*[RED] * (MOST_EXAMPLES + 1))),
        ("looked_at", replace(word(RED), looked_at=-1)),
    ],
)
def test_a_wrong_word_names_its_field(field: str, wrong: TaughtWord) -> None:
    with pytest.raises(InvalidInput, match=field):
        checked(wrong)


def test_what_is_near_is_the_word_and_what_is_not_is_rejected() -> None:
    cup = word(RED)
    assert cup.recognised([Look(GREEN)]) is None
    near = unit_vector("features", RED + 0.1 * GREEN)
    recognised = cup.recognised([Look(GREEN), Look(near, BOX)])
    assert recognised is not None
    (labels, names) = recognised
    assert names == ("my cup",) and labels.labels[0].probability > 0.99
    assert labels.labels[0].box == BOX
    for logistic in KINDS.values():
        assert logistic.probability(logistic.even, 1) == 0.5
        assert logistic.probability(0.5, 5) < logistic.probability(0.5, 1)


def test_a_word_finds_what_is_kept_until_it_is_forgotten(place, experience) -> None:
    with place.open() as memory:
        red, green, again = (
            memory.remember(experience(n), plain(colour)).result().id
            for n, colour in enumerate((RED, GREEN, RED))
        )
        memory.teach(word(RED)).result()
        assert memory.taught_naming(FEATURES).missing() == 3
        assert memory.taught_naming(PictureFeatures("other-1", colours)).missing() == 0
        done = look(memory)
        assert (done.made, done.failed) == (2, 0)
        assert [seen(memory, key) for key in (red, green, again)] == [["my cup"], [], ["my cup"]]
        assert look(memory).made == 0, "nothing is looked at twice"
        asked = memory.vocabularies()
        (model,) = asked
        answers = memory.recall(Query(labels={model: np.ones(1, np.float32)}))
        assert {one.experience.id for one in answers} == {red, again}
    with place.open() as memory:
        assert memory.taught_words()[0].looked_at > 0
        memory.teach(word(GREEN)).result()
        assert seen(memory, red) == [], "it is looked for anew"
        look(memory)
        assert [seen(memory, key) for key in (red, green)] == [["my cup"], ["my cup"]]
        memory.teach(word(BLUE, name="my pen")).result()
        with pytest.raises(InvalidInput, match="a word that was taught; the nearest is 'my cup'"):
            memory.forget_word("my cap").result()
        memory.forget_word("My Cup").result()
        assert [one.word for one in memory.taught_words()] == ["my pen"]
        assert seen(memory, red) == [] and memory.vocabularies() == {}
        assert memory.inspect() == []


def test_a_word_is_found_in_a_box_of_what_was_recognised(place, experience) -> None:
    shown = np.full((32, 256, 3), np.round(240 * GREEN), np.uint8)
    shown[:, 224:] = np.round(240 * RED)
    with place.open() as memory:
        kept = memory.remember(experience(1), encoded(shown)).result()
        memory.teach(word(RED)).result()
        assert look(memory).made == 0, "in all of it there is little of it"
        thing = Labels("finder-1@0", (Label(0, 0.6, BOX),))
        memory.label(kept.id, thing, ["thing"]).result()
        assert memory.taught_naming(FEATURES).newest(memory.taught_words()[0], 1) == 1
        (found,) = [one for one in memory.labels(kept.id) if one.vocabulary == ("my cup",)]
        assert found.labels[0].box == pytest.approx(BOX, abs=1e-4)


def test_a_sound_is_found_by_its_vector(place, experience) -> None:
    with place.open() as memory:
        heard = [memory.remember(experience(n)).result() for n in range(3)]
        first = heard[0]
        bell = TaughtWord("bell", "sound", first.encoder_id, (Example.of(first.embedding),))
        memory.teach(bell).result()
        work = memory.taught_naming(None)
        assert work.newest(memory.taught_words()[0], 2) == 2
        assert work.missing() == 3, "there is more than was looked at"
        assert work.newest(memory.taught_words()[0], 4) == 3
        assert work.missing() == 0
        assert seen(memory, first.id) == ["bell"]


def test_forgetting_an_experience_takes_its_example_and_what_it_found(place, experience) -> None:
    with place.open() as memory:
        red, other = (memory.remember(experience(n), plain(RED)).result().id for n in range(2))
        memory.teach(word(RED, of=red)).result()
        look(memory)
        assert seen(memory, other) == ["my cup"]
        memory.forget([red], "asked to").result()
        assert memory.taught_words() == [] and seen(memory, other) == []
        memory.teach(word(RED, of=other)).result()
        memory.teach(word(GREEN)).result()
        memory.forget([other], "asked to").result()
        (left,) = memory.taught_words()
        assert len(left.examples) == 1 and left.prototype @ GREEN > 0.99
        assert memory.inspect() == []


def test_too_many_examples_are_refused_and_those_of_another_model_give_way(
    place, experience
) -> None:
    with place.open() as memory:
        shades = [RED + n * GREEN for n in range(MOST_EXAMPLES)]
        memory.teach(word(*shades)).result()
        with pytest.raises(InvalidInput, match="examples = '33 of"):
            memory.teach(word(GREEN)).result()
        newer = replace(word(GREEN), features_by="colours-2@0")
        assert len(memory.teach(newer).result().word.examples) == 1


def test_the_same_example_counts_once(place) -> None:
    with place.open() as memory:
        with pytest.raises(InvalidInput, match="examples = '1 of 2 given twice or known'"):
            memory.teach(word(RED, RED)).result()
        memory.teach(word(RED)).result()
        with pytest.raises(InvalidInput, match="examples = '1 of 2 given twice or known'"):
            memory.teach(word(RED, GREEN)).result()
        assert len(memory.taught_words()[0].examples) == 1


def test_a_sleep_and_its_undoing_leave_words_and_what_they_found(tmp_path: Path) -> None:
    with Memory.open(tmp_path, clock=ManualClock(START_NS + 10**12)) as memory:
        ids = []
        for member in range(4):
            alike = sleep_home.moment(5, embedding=sleep_home.group_vector(5, member))
            ids.append(memory.remember(alike, plain(RED)).result().id)
        for index in range(20, 30):
            memory.remember(sleep_home.moment(index)).result()
        memory.teach(word(RED)).result()
        look(memory)
        memory.sleep(sleep_home.OPTIONS)
        assert [one.word for one in memory.taught_words()] == ["my cup"]
        assert all(seen(memory, key) == ["my cup"] for key in ids)
        memory.undo_sleep()
        assert all(seen(memory, key) == ["my cup"] for key in ids)
        memory.forget_word("my cup").result()
        assert memory.inspect() == []


def test_a_damaged_word_is_found_left_out_and_not_repaired(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(1)).result()
        memory.teach(word(RED)).result()
        memory.teach(word(GREEN, name="my pen")).result()
    with sqlite3.connect(tmp_path / "memory.db") as connection:
        connection.execute("UPDATE taught_words SET kind = 'sound' WHERE word = 'my pen'")
    connection.close()
    with Memory.open(tmp_path) as memory:
        assert [one.word for one in memory.taught_words()] == ["my cup"]
        (finding,) = memory.inspect()
        assert finding.what == "taught word" and "my pen" in finding.where
    done = repair(tmp_path)
    assert done.kept["taught_words"] == 1 and "1 words that were taught" in done.lost
    with Memory.open(tmp_path) as memory:
        assert [one.word for one in memory.taught_words()] == ["my cup"]
        assert memory.inspect() == []
