"""Rows have checksums: what is altered is found, named, and left out of answers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import sleep_home
from sqlalchemy import select, update

from sage_common.core.clock import ManualClock
from sage_memory import Limits, Memory, Place, Query
from sage_memory.core.engine.schema import experiences
from sage_memory.core.errors import RowDamaged
from sage_memory.core.identifiers import id_text
from sage_memory.core.recovery.repair import repair
from sage_memory.core.rows.changes import set_columns
from sage_memory.core.rows.checksums import COLUMNS, CONTENT, is_whole, row_crc32
from sage_memory.core.rows.records import MOST_NAMED
from sage_memory.core.rows.rows import CHECKED_SINCE

SAID = "the red door is open"
ALTERED = "the bad dogs is open"


def fill(memory: Memory, experience, count: int = 12, **changes) -> list[bytes]:
    futures = [
        memory.remember(
            experience(i, text=f"{SAID} {i}", place=Place("map", (float(i), 0.5, -0.0)), **changes)
        )
        for i in range(count)
    ]
    return [future.result().id for future in futures]


def alter(memory: Memory, identifier: bytes, **values) -> None:
    """Change columns behind the store's back, which sets no checksum."""
    row = update(experiences).where(experiences.c.id == identifier)
    memory.change(lambda connection: connection.execute(row.values(**values)) and None).result()


def damaged_rows(memory: Memory) -> list[str]:
    return [found.where for found in memory.inspect() if found.what == "experience"]


def test_letters_that_were_altered_in_the_file_are_found_and_not_recalled(
    tmp_path, experience
) -> None:
    with Memory.open(tmp_path) as memory:
        kept = fill(memory, experience)
    path = tmp_path / "memory.db"
    content = path.read_bytes()
    assert content.count(f"{SAID} 7".encode()) == 1
    path.write_bytes(content.replace(f"{SAID} 7".encode(), f"{ALTERED} 7".encode()))
    target = experience(7)
    like = Query(example=target.embedding, example_encoder_id="vision-1-abc", limit=11)
    with Memory.open(tmp_path, read_only=True) as memory:
        (where,) = damaged_rows(memory)
        assert id_text(kept[7]) in where
        assert "checksum does not match" in where
        recalled = memory.ask(replace(like, min_salience=0.01, with_declined=True))
        assert kept[7] not in {declined.id for declined in recalled.declined}
        assert {answer.experience.id for answer in recalled.answers} == set(kept) - {kept[7]}
        (note,) = recalled.notes
        assert note.startswith(f"experience {id_text(kept[7])} is damaged and left out")
        with pytest.raises(RowDamaged, match=id_text(kept[7])):
            memory.of_id(kept[7])
        assert memory.at(target.start_ns).experience.id in (kept[6], kept[8])
    with Memory.open(tmp_path) as memory:
        assert len(memory.recall(like)) == 11
        statistics = memory.statistics()
        assert statistics.damaged_experiences == 1
        assert id_text(kept[7]) in statistics.last_damage


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(example_codes=np.full((30, 30), 4, np.uint8), limit=3),
        Query(min_salience=0.0, limit=1),
    ],
)
def test_a_puzzle_that_cannot_be_unpacked_fails_no_recall(tmp_path, experience, query) -> None:
    with Memory.open(tmp_path) as memory:
        kept = fill(memory, experience, count=5, total=0.5)
        bad = memory.recall(query)[0].experience.id
        alter(memory, bad, codes=b"no puzzle")
        recalled = memory.ask(replace(query, with_embedding=True))
        assert len(recalled.answers) == min(query.limit, 4)
        assert bad not in {answer.experience.id for answer in recalled.answers}
        assert [id_text(bad) in note for note in recalled.notes] == [True]
        assert len(kept) == 5


def test_a_puzzle_that_was_damaged_before_rows_had_checksums_fails_no_recall(
    tmp_path, experience
) -> None:
    with Memory.open(tmp_path) as memory:
        kept = fill(memory, experience, count=3)
        damaged = {"codes": b"no puzzle", "schema_version": CHECKED_SINCE - 1}
        memory.change(lambda connection: set_columns(connection, kept[:1], damaged)).result()
        recalled = memory.ask(Query())
        assert {answer.experience.id for answer in recalled.answers} == set(kept[1:])
        assert "cannot be read" in recalled.notes[0]


def test_a_puzzle_is_unpacked_when_it_is_looked_at(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(1)).result()
        (answer,) = memory.recall(Query())
    assert "codes" not in vars(answer.experience)
    assert np.array_equal(replace(answer.experience, text="other").codes, experience(1).codes)
    assert np.array_equal(answer.experience.codes, experience(1).codes)


def test_every_engine_names_a_damaged_row(place, experience) -> None:
    with place.open() as memory:
        kept = fill(memory, experience, count=4)
        assert damaged_rows(memory) == []
        alter(memory, kept[2], reward=0.75)
        assert [id_text(kept[2]) in where for where in damaged_rows(memory)] == [True]
        assert {a.experience.id for a in memory.recall(Query())} == set(kept) - {kept[2]}


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in ("number", "id")])
def test_a_change_of_any_column_is_found(tmp_path, experience, column) -> None:
    with Memory.open(tmp_path) as memory:
        fill(memory, experience, count=1)
        row = memory.read(lambda connection: connection.execute(select(experiences)).one())
    assert is_whole(row)
    values = dict(zip(COLUMNS, row, strict=False))
    old = values[column]
    others = {bytes: b"other", str: "other", int: 9, float: 0.125, type(None): "other"}
    new = 9 if column == "forgotten_ns" else others[type(old)]
    assert row_crc32(list((values | {column: new}).values())) != row.crc32


def test_numbers_that_sqlite_keeps_otherwise_have_the_same_checksum(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(1, reward=-0.0, total=1, arousal=np.float32(0.1))).result()
        memory.remember(experience(2, text="a\0b \u2028 \U0001f600", context={})).result()
        assert damaged_rows(memory) == []


def test_too_many_damaged_rows_are_a_damaged_store(tmp_path, experience, monkeypatch) -> None:
    assert MOST_NAMED >= 100
    monkeypatch.setattr("sage_memory.core.recall.reader.MOST_NAMED", 3)
    with Memory.open(tmp_path) as memory:
        for identifier in fill(memory, experience):
            alter(memory, identifier, text="altered")
        with pytest.raises(Exception, match="memory repair") as caught:
            memory.recall(Query(limit=2))
        assert type(caught.value).__name__ == "StoreDamaged"


def test_what_the_store_changes_itself_keeps_its_rows_whole(tmp_path) -> None:
    with sleep_home.opened(tmp_path) as memory:
        kept = sleep_home.fill(memory)
        memory.pin(kept[3], True).result()
        report = memory.sleep(sleep_home.THOROUGH)
        assert report.summaries > 0
        assert report.texts_removed > 0
        memory.forget(kept[7:10], "asked for").result()  # of a group that has a summary
        assert damaged_rows(memory) == []
        memory.undo_sleep()
        memory.pin(kept[3], False).result()
        assert damaged_rows(memory) == []


def test_no_change_hides_damage(tmp_path) -> None:
    with sleep_home.opened(tmp_path) as memory:
        kept = sleep_home.fill(memory)
        for identifier in (kept[1], kept[13]):
            alter(memory, identifier, text="altered")
        alter(memory, kept[14], source="elsewhere")
        memory.pin(kept[1], True).result()
        memory.pin(kept[1], False).result()
        assert memory.sleep(sleep_home.THOROUGH).texts_removed > 0
        asleep = damaged_rows(memory)
        memory.undo_sleep()
        for identifier in (kept[1], kept[13], kept[14]):
            name = id_text(identifier)
            assert any(name in where for where in asleep), name
            assert any(name in where for where in damaged_rows(memory)), name
        memory.forget([kept[1]], "damaged").result()
        assert not any(id_text(kept[1]) in where for where in damaged_rows(memory))


def test_a_damaged_moment_gets_into_no_summary(tmp_path) -> None:
    with sleep_home.opened(tmp_path) as memory:
        kept = sleep_home.fill(memory, groups=2)
        alter(memory, kept[1], text="altered")
        memory.sleep(sleep_home.OPTIONS)
        texts = memory.read(lambda c: c.execute(select(experiences.c.text)).scalars().all())
        assert not any("altered" in text and text != "altered" for text in texts)


def test_repair_keeps_an_altered_row_and_names_it(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = fill(memory, experience)
        alter(memory, kept[4], text=ALTERED)
    repaired = repair(tmp_path)
    assert repaired.lost == [
        f"experience {id_text(kept[4])}: it was altered; kept as it is read now"
    ]
    with Memory.open(tmp_path) as memory:
        assert damaged_rows(memory) == []
        assert memory.of_id(kept[4]).experience.text == ALTERED


def test_columns_are_set_with_their_checksum(tmp_path, experience) -> None:
    with Memory.open(tmp_path, clock=ManualClock(10**18), limits=Limits()) as memory:
        kept = fill(memory, experience)
        memory.change(
            lambda c: set_columns(c, [*kept[:2], b"unknown"], {"entity": "anna"})
        ).result()
        assert damaged_rows(memory) == []
        assert memory.of_id(kept[1]).experience.entity == "anna"
    assert set(CONTENT) < set(COLUMNS)


def test_a_row_whose_text_is_none_is_named_by_verify(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = fill(memory, experience)
    with closing(sqlite3.connect(tmp_path / "memory.db")) as connection, connection:
        wrong = "UPDATE experiences SET source = CAST(x'41ff' AS TEXT) WHERE number = 2"
        connection.execute(wrong)
    with Memory.open(tmp_path) as memory:
        assert len(memory.recall(Query(limit=20))) == 11
        assert [id_text(kept[1]) in where for where in damaged_rows(memory)] == [True]
