"""What was recognised is kept with a moment, or comes later, and is kept as safe."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sleep_home
from experiences import START_NS
from sqlalchemy import select, update

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_memory import Memory
from sage_memory.core.engine import schema
from sage_memory.core.recovery.repair import repair

CLASSES = ("cat", "bicycle", "tree", "bell")
MODEL = "classes-1@abc"


def seen(*pairs: tuple[int, float], model: str = MODEL) -> Labels:
    return Labels(model, tuple(Label(number, share) for number, share in pairs))


def kept(memory: Memory, identifier: bytes, model: str = MODEL) -> dict[str, float]:
    """Names and probabilities, to three digits."""
    for one in memory.labels(identifier):
        if one.model_id == model:
            return {one.vocabulary[x.number]: round(x.probability, 3) for x in one.labels}
    return {}


def fields_clocked(memory: Memory, identifier: bytes) -> set[str]:
    own = schema.clocks.c
    wanted = select(own.field).where(own.experience_id == identifier)
    return set(memory.read(lambda c: c.execute(wanted).scalars().all()))


def test_labels_are_committed_with_their_moment(place, experience) -> None:
    boxed = Labels("finder-2@dd", (Label(0, 0.5, (0.25, 0.0, 0.5, 1.0)),))
    with place.open() as memory:
        recognised = [(seen((1, 0.7), (2, 0.02)), CLASSES), (boxed, ["person"])]
        one = memory.remember(experience(1), None, recognised).result()
        two = memory.remember(experience(2), None, [(seen((3, 0.9)), CLASSES)]).result()
        bare = memory.remember(experience(3)).result()
    with place.open(read_only=True) as memory:
        assert kept(memory, one.id) == {"bicycle": 0.7, "tree": 0.02}
        assert kept(memory, two.id) == {"bell": 0.9}
        assert memory.labels(bare.id) == []
        (found,) = [f for f in memory.labels(one.id) if f.model_id == "finder-2@dd"]
        assert found.labels[0].box == pytest.approx((0.25, 0.0, 0.5, 1.0), abs=1e-4)
        assert memory.inspect() == []
        rows = memory.read(lambda c: c.execute(select(schema.vocabularies)).all())
        assert len(rows) == 2, "the names of a model are kept once"


def test_labels_come_later_and_a_model_replaces_its_own(place, experience) -> None:
    with place.open() as memory:
        one = memory.remember(experience(1), None, [(seen((1, 0.7)), CLASSES)]).result()
        assert fields_clocked(memory, one.id) == {"*"}
        memory.label(one.id, seen((0, 0.4), (2, 0.1)), CLASSES).result()
        newer = seen((0, 0.8), model="classes-2@bcd")
        memory.label(one.id, newer, CLASSES).result()
        assert fields_clocked(memory, one.id) == {"*", "labels"}
    with place.open() as memory:
        assert kept(memory, one.id) == {"cat": 0.4, "tree": 0.1}
        assert kept(memory, one.id, newer.model_id) == {"cat": 0.8}
        assert memory.inspect() == []


def test_what_cannot_be_labelled_is_refused(place, experience) -> None:
    with place.open() as memory:
        one = memory.remember(experience(1), None, [(seen((1, 0.7)), CLASSES)]).result()
        with pytest.raises(InvalidInput, match=r"labels\[0\].number = 9: expected .* 0 to 3"):
            memory.label(one.id, seen((9, 0.5)), CLASSES)
        with pytest.raises(InvalidInput, match="the names that the store has for classes-1@abc"):
            memory.label(one.id, seen((0, 0.5)), ("another", *CLASSES)).result()
        with pytest.raises(InvalidInput, match="the names that the store has"):
            memory.remember(experience(2), None, [(seen((0, 0.5)), ["x"])]).result()
        with pytest.raises(InvalidInput, match=r"id = .*: expected an experience of this store"):
            memory.label(bytes(16), seen(), CLASSES).result()
        assert kept(memory, one.id) == {"bicycle": 0.7}
        assert memory.remember(experience(3), None, [(seen((0, 0.5)), CLASSES)]).result().id


def test_forgetting_erases_labels(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        one, two = (
            memory.remember(experience(n), None, [(seen((1, 0.7777)), CLASSES)]).result()
            for n in range(2)
        )
        wanted = select(schema.labels.c.labels).where(schema.labels.c.experience_id == one.id)
        blob = memory.read(lambda c: c.execute(wanted).scalar_one())
        assert blob in (tmp_path / "memory.db-wal").read_bytes()
        memory.label(two.id, seen(), CLASSES).result()
        memory.forget([one.id], "asked to").result()
        assert memory.labels(one.id) == []
        assert memory.inspect() == []
    assert blob not in (tmp_path / "memory.db").read_bytes()


def summarised(home: Path) -> tuple[Memory, bytes, list[bytes]]:
    """An open memory with a summary of moments that were labelled, and ids of both."""
    memory = Memory.open(home, clock=ManualClock(START_NS + 10**12))
    shown = [((1, 0.7), (0, 0.1)), ((0, 0.6),), ((3, 0.2), (1, 0.1)), ((0, 0.5),)]
    for member, labels in enumerate(shown):
        vector = sleep_home.group_vector(5, member)
        alike = sleep_home.moment(5, embedding=vector)
        memory.remember(alike, None, [(seen(*labels), CLASSES)]).result()
    for index in range(20, 30):
        memory.remember(sleep_home.moment(index)).result()
    memory.sleep(sleep_home.OPTIONS)
    links = memory.read(lambda c: c.execute(select(schema.summary_members)).all())
    assert len({bytes(row.summary_id) for row in links}) == 1
    return memory, bytes(links[0].summary_id), [bytes(row.member_id) for row in links]


def test_a_summary_shows_the_most_of_what_it_covers(tmp_path: Path) -> None:
    memory, summary, members = summarised(tmp_path)
    with memory:
        assert kept(memory, summary) == {"bicycle": 0.7, "cat": 0.6, "bell": 0.2}
        assert all(kept(memory, member) for member in members), "a sleep evicts no labels"
        memory.label(members[0], seen((2, 0.9)), CLASSES).result()
        assert kept(memory, summary)["tree"] == 0.9
        first = {name for member in members[1:] for name in kept(memory, member)}
        memory.forget([members[0]], "asked to").result()
        assert set(kept(memory, summary)) == first, "it keeps nothing of what was forgotten"
        assert memory.inspect() == []


def test_undoing_a_sleep_takes_the_labels_of_summaries_with_them(tmp_path: Path) -> None:
    memory, summary, members = summarised(tmp_path)
    with memory:
        before = {member: kept(memory, member) for member in members}
        memory.undo_sleep()
        assert memory.labels(summary) == []
        assert {member: kept(memory, member) for member in members} == before
        assert memory.inspect() == []


def test_altered_labels_are_found_left_out_and_repaired(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        ids = [
            memory.remember(experience(n), None, [(seen((1, 0.7)), CLASSES)]).result().id
            for n in range(4)
        ]
        other = seen((0, 0.7), model="other-1@ff")
        memory.label(ids[3], other, CLASSES).result()
        own = schema.labels
        stolen = memory.labels(ids[3])  # rows whose blob is whole, but of another experience
        assert len(stolen) == 2
        for change in (
            update(own).where(own.c.experience_id == ids[0]).values(labels=b"no labels"),
            update(own).where(own.c.experience_id == ids[1]).values(vocabulary=2),
        ):
            memory.change(lambda c, change=change: c.execute(change).rowcount).result()
        found = [one for one in memory.inspect() if one.what == "labels"]
        assert len(found) == 2 and all(one.serious for one in found)
        assert [kept(memory, key) for key in ids] == [{}, {}, {"bicycle": 0.7}, {"bicycle": 0.7}]
    repaired = repair(tmp_path)
    assert repaired.kept["labels"] == 3 and repaired.kept["vocabularies"] == 2
    assert "2 labels that do not match their checksums" in repaired.lost
    with Memory.open(tmp_path) as memory:
        assert memory.inspect() == []
        assert kept(memory, ids[3], other.model_id) == {"cat": 0.7}


def test_a_vocabulary_that_is_damaged_is_named(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        one = memory.remember(experience(1), None, [(seen((1, 0.7)), CLASSES)]).result()
    with sqlite3.connect(tmp_path / "memory.db") as connection:
        connection.execute("UPDATE vocabularies SET names = x'00'")
    connection.close()
    with Memory.open(tmp_path) as memory:
        assert memory.labels(one.id) == []
        assert {one.what for one in memory.inspect()} == {"vocabulary", "labels"}
    repaired = repair(tmp_path)
    assert "1 vocabularies, with all labels of their models" in repaired.lost
    with Memory.open(tmp_path) as memory:
        memory.label(one.id, seen((1, 0.7)), CLASSES).result()
        assert memory.inspect() == []
