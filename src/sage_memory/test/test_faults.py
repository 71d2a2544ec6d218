"""What happens when a file, the clock, another program or a person goes wrong: one test each."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from experiences import fill

from sage_common.core.clock import ManualClock
from sage_memory import (
    Memory,
    NotStored,
    Query,
    StoreDamaged,
    StoreLocked,
    StoreReplaced,
)
from sage_memory.core.engine import database

COUNT = 40
PAGE = 4096


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0x10
    path.write_bytes(bytes(content))


def root_page(path: Path, name: str) -> int:
    connection = sqlite3.connect(path)
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)
    ).fetchone()
    connection.close()
    return int(page)


def crashed_copy(home: Path, experience) -> Path:
    """The files of a store whose writer did not come to close it."""
    live, copy = home / "live", home / "copy"
    copy.mkdir()
    with Memory.open(live) as memory:
        for index in range(COUNT):
            memory.remember(experience(index)).result()
        for name in ("memory.db", "memory.db-wal"):
            shutil.copy(live / name, copy / name)
    return copy / "memory.db"


def test_a_flipped_bit_in_the_header_is_named(tmp_path, experience) -> None:
    path = fill(tmp_path, COUNT)
    flip(path, 3)
    with pytest.raises(StoreDamaged, match="not an SQLite database"):
        Memory.open(tmp_path)


def test_a_broken_page_of_an_index_of_the_database_is_named_when_it_is_used(
    tmp_path, experience
) -> None:
    path = fill(tmp_path, COUNT)
    page = root_page(path, "sqlite_autoindex_experiences_1")
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE : page * PAGE] = b"\xff" * PAGE
    path.write_bytes(bytes(content))
    with pytest.raises((StoreDamaged, NotStored), match="malformed"):
        memory = Memory.open(tmp_path)
        try:
            memory.remember(experience(99)).result()
        finally:
            memory.close()


def test_a_flipped_bit_in_the_log_drops_what_came_after_it(tmp_path, experience) -> None:
    path = crashed_copy(tmp_path, experience)
    log = path.with_name("memory.db-wal")
    flip(log, log.stat().st_size // 2)
    with Memory.open(path.parent) as memory:
        memory.verify()
        numbers = {answer.experience.reason for answer in memory.recall(Query(limit=100))}
    assert 0 < len(numbers) < COUNT
    assert numbers == {f"reason {i}" for i in range(len(numbers))}, "a beginning, without gaps"


def test_without_its_log_the_store_is_older_but_sound(tmp_path, experience) -> None:
    path = crashed_copy(tmp_path, experience)
    path.with_name("memory.db-wal").unlink()
    with Memory.open(path.parent) as memory:
        memory.verify()
        assert memory.statistics().experiences < COUNT
        memory.remember(experience(99)).result()


def test_a_database_of_another_program_is_left_alone(tmp_path) -> None:
    connection = sqlite3.connect(tmp_path / "memory.db")
    connection.execute("CREATE TABLE letters (text)")
    connection.close()
    before = (tmp_path / "memory.db").read_bytes()
    with pytest.raises(StoreDamaged, match="no readable table of facts: no such table"):
        Memory.open(tmp_path)
    connection = sqlite3.connect(tmp_path / "memory.db")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("letters",)]
    connection.close()
    assert len(before) == (tmp_path / "memory.db").stat().st_size


def test_an_empty_file_is_named_and_not_filled(tmp_path) -> None:
    (tmp_path / "memory.db").touch()
    with pytest.raises(StoreDamaged, match="only 0 bytes long"):
        Memory.open(tmp_path)
    assert (tmp_path / "memory.db").stat().st_size == 0


def test_a_database_that_another_program_locks_refuses_and_goes_on(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(0)).result()
        with memory._store._transaction() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(tmp_path / "memory.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotStored, match="database is locked"):
            memory.remember(experience(1)).result()
        assert memory.recall(Query())[0].experience.reason == "reason 0", "recall goes on"
        other.execute("ROLLBACK")
        other.close()
        memory.remember(experience(2)).result()
        assert memory.statistics().failed == 1
        assert "database is locked" in memory.statistics().last_write_failure
        memory.verify()


def test_a_database_that_another_program_locks_cannot_be_opened(
    tmp_path, experience, monkeypatch
) -> None:
    path = fill(tmp_path, COUNT)
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreLocked, match="another process"):
        Memory.open(tmp_path)
    other.close()
    Memory.open(tmp_path).close()


def test_a_clock_that_goes_back_keeps_order_and_ids_apart(tmp_path, experience) -> None:
    clock = ManualClock(10**18)
    with Memory.open(tmp_path, clock=clock) as memory:
        ids = [memory.remember(experience(0)).result().id]
        memory._store._clock._now_ns = 10**17  # an hour of 1973
        ids += [memory.remember(experience(i)).result().id for i in range(1, 20)]
        assert len(set(ids)) == 20
        memory.verify()
    connection = sqlite3.connect(tmp_path / "memory.db")
    stamps = connection.execute(
        "SELECT stamp FROM clocks JOIN experiences ON id = experience_id ORDER BY number"
    ).fetchall()
    connection.close()
    assert stamps == sorted(set(stamps)), "the logical clock ascends all the same"


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_nothing_is_acknowledged_once_the_file_is_another_one(tmp_path, experience, how) -> None:
    backup = fill(tmp_path / "backup", COUNT)
    with Memory.open(tmp_path / "home") as memory:
        memory.remember(experience(0)).result()
        if how == "replaced":
            os.replace(backup, tmp_path / "home" / "memory.db")
        else:
            (tmp_path / "home" / "memory.db").unlink()
        for index in (1, 2):
            with pytest.raises(StoreReplaced, match="restart what writes it"):
                memory.remember(experience(index)).result()
        assert memory.statistics().failed == 2
