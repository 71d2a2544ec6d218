"""Objects, taught words, speakers and places that are met again are linked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sleep_home
from experiences import START_NS, numbered
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.clock import ManualClock
from sage_common.core.labels import Label, Labels
from sage_memory import Memory, Place
from sage_memory.core.experience import Experience
from sage_memory.core.places.named_place import named_at
from sage_memory.core.reidentification import kept_sightings
from sage_memory.core.reidentification.individual import (
    LOOKS,
    NEAR_M,
    SAME,
    Sighting,
    individuals,
    linked,
)
from sage_memory.core.taught.examples import Example
from sage_memory.core.taught.taught_word import TaughtWord

S = 1_000_000_000
CLASSES = ("cup", "car")
ONE, OTHER = np.eye(8, dtype=np.float32)[:2]


def near(vector: np.ndarray, cosine: float = 0.95) -> np.ndarray:
    """A vector of such a cosine with another, and with no axis that the tests use."""
    side = np.eye(8, dtype=np.float32)[7]
    return np.asarray(cosine * vector + np.sqrt(1.0 - cosine**2) * side, np.float32)


def cup(at_s: float, vector: np.ndarray = ONE, x: float | None = None) -> Sighting:
    start = START_NS + round(at_s * S)
    place = None if x is None else Place("map", (x, 0.0, 0.0))
    return Sighting("object", "cup", bytes(16), start, start, "vision-1", vector, place)


def test_what_looks_alike_is_the_same_and_meetings_lie_apart() -> None:
    seen = [cup(0), cup(10, near(ONE)), cup(100), cup(200, OTHER)]
    first, other = individuals(seen)
    assert (first.moments, first.meetings) == (3, 2)
    assert (first.first_ns, first.last_ns) == (START_NS, START_NS + 100 * S)
    assert (other.moments, other.meetings) == (1, 1)


def test_what_is_of_another_class_encoder_or_place_is_another() -> None:
    far, beside = cup(10, x=2 * NEAR_M), cup(20, x=NEAR_M / 2)
    assert linked([cup(0, x=0.0), far, beside, cup(30)]) == [0, 1, 0, 0]
    other_frame = replace(far, place=Place("odom", (2 * NEAR_M, 0.0, 0.0)))
    assert linked([cup(0, x=0.0), other_frame]) == [0, 0], "frames have nothing in common"
    for change in ({"name": "mug"}, {"encoder_id": "vision-2"}):
        assert len(individuals([cup(0), replace(cup(10), **change)])) == 2


def test_a_object_is_compared_with_the_last_looks_at_it() -> None:
    turned = near(ONE, 0.9)
    further = np.asarray(0.9 * turned + np.sqrt(1 - 0.81) * np.eye(8, dtype=np.float32)[6], "f4")
    assert further @ ONE < SAME < further @ turned
    assert linked([cup(0), cup(10, turned), cup(20, further), cup(30)]) == [0, 0, 0, 0]
    assert linked([cup(0), cup(20, further)]) == [0, 1]
    turned_away = [cup(20 + n, further) for n in range(LOOKS)]
    assert linked([cup(0), cup(10, turned), *turned_away, cup(90)])[-1] == 1, "it is long ago"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1000)), max_size=30))
def test_every_sighting_is_of_one_individual(drawn: list[tuple[int, float]]) -> None:
    axes = np.eye(8, dtype=np.float32)
    seen = [cup(at, axes[which]) for which, at in sorted(drawn, key=lambda pair: pair[1])]
    found = individuals(seen)
    assert sum(one.moments for one in found) == len(seen)
    assert len(found) == len({which for which, _ in drawn})
    assert all(1 <= one.meetings <= one.moments and one.first_ns <= one.last_ns for one in found)


def moment(index: int, vector: np.ndarray, **changes: object) -> Experience:
    at = START_NS + index * 100 * S
    times = {"start_ns": at, "end_ns": at}
    return numbered(index, modality="vision", embedding=vector, **times, **changes)


def seen(number: int, probability: float = 0.8, model: str = "classes-1@a") -> tuple:
    return Labels(model, (Label(number, probability),)), CLASSES


def met(memory: Memory) -> dict[tuple[str, str], list[tuple[int, int]]]:
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one in memory.individuals():
        found.setdefault((one.kind, one.name), []).append((one.moments, one.meetings))
    return found


def test_a_store_knows_what_it_met(place) -> None:
    kitchen = Place("map", (0.5, 0.0, 0.0))
    with place.open() as memory:
        ids = [
            memory.remember(moment(n, vector, place=where), None, [label]).result().id
            for n, (vector, where, label) in enumerate(
                [
                    (ONE, kitchen, seen(0)),
                    (near(ONE), None, seen(0)),
                    (ONE, None, seen(0, 0.4)),
                    (OTHER, kitchen, seen(1)),
                ]
            )
        ]
        again = seen(0, model="finder-1@b")
        memory.label(ids[0], *again).result()
        said = numbered(9, modality="language", entity="anna", text="hello", encoder_id="words-1")
        memory.remember(said).result()
        memory.name_place(named_at("kitchen", "map", (0.0, 0.0, 0.0), 0.0, START_NS)).result()
        found = met(memory)
        assert found["object", "cup"] == [(2, 2)], "0.4 is not sure, and two models say one cup"
        assert found["object", "car"] == [(1, 1)]
        assert found["place", "kitchen"] == [(2, 2)]
        assert found["speaker", "anna"] == [(1, 1)]
        mine = TaughtWord("my cup", "picture", "features-1", (Example.of(ONE),))
        word = memory.teach(mine).result().word
        for key in (ids[0], ids[3]):
            memory.label(key, Labels(word.model_id, (Label(0, 0.9),)), (word.word,)).result()
        assert met(memory)["word", "my cup"] == [(2, 2)], "however it looks"
        memory.forget([ids[0]], "asked to").result()
        assert met(memory)["object", "cup"] == [(1, 1)]


def test_nothing_is_met_in_an_empty_store(place) -> None:
    with place.open() as memory:
        assert memory.individuals() == []


def test_what_was_met_is_the_same_after_a_sleep(tmp_path: Path) -> None:
    options = replace(sleep_home.OPTIONS, target_share=0.01)
    with Memory.open(tmp_path, clock=ManualClock(START_NS + 10**13)) as memory:
        for group in range(3):
            for member in range(4):
                vector = sleep_home.group_vector(group, member)
                alike = sleep_home.moment(group, embedding=vector, modality="vision")
                memory.remember(alike, None, [seen(group % 2)]).result()
        for index in range(20, 30):
            memory.remember(sleep_home.moment(index)).result()
        before = sorted(met(memory).items())
        assert memory.sleep(options).vectors_removed
        assert sorted(met(memory).items()) == before


def test_only_the_newest_moments_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_sightings, "_MOMENTS", kept_sightings._MOMENTS.limit(3))
    with Memory.open(tmp_path) as memory:
        for n in range(5):
            memory.remember(moment(n, ONE), None, [seen(0)]).result()
        assert met(memory)["object", "cup"] == [(3, 3)]
