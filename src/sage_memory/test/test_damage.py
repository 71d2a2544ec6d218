"""What a bad file says, and what it does not take with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from sage_memory import (
    Memory,
    Query,
    StoreDamaged,
    StoreTooNew,
)
from sage_memory.core.engine.schema import SCHEMA_VERSION


def fill_and_close(home: Path, experience, count: int = 60) -> Path:
    with Memory.open(home) as memory:
        for future in [memory.remember(experience(i)) for i in range(count)]:
            future.result()
    return home / "memory.db"


@pytest.mark.parametrize("read_only", [False, True])
def test_truncated_file_is_named_with_the_mend(tmp_path, experience, read_only) -> None:
    path = fill_and_close(tmp_path, experience)
    whole = path.read_bytes()
    for length in (0, 50, 4096, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        fixes = r"memory\.db.*memory repair.*mv memory\.db\* payloads"
        with pytest.raises(StoreDamaged, match=fixes) as caught:
            Memory.open(tmp_path, read_only=read_only)
        assert caught.value.path == path
    path.write_bytes(whole)
    Memory.open(tmp_path, read_only=read_only).close()


def test_garbage_and_overwritten_pages_are_damage(tmp_path, experience) -> None:
    path = fill_and_close(tmp_path, experience)
    whole = path.read_bytes()
    path.write_bytes(b"not a database at all" * 400)
    with pytest.raises(StoreDamaged, match="not an SQLite database"):
        Memory.open(tmp_path)
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StoreDamaged):
        Memory.open(tmp_path)


@pytest.mark.parametrize("column", ["modality", "reason"])
def test_text_that_is_none_is_damage_of_its_row(tmp_path, experience, column) -> None:
    path = fill_and_close(tmp_path, experience, count=5)
    with sqlite3.connect(path) as connection:
        connection.execute(
            f"UPDATE experiences SET {column} = CAST(x'41ff' AS TEXT) WHERE number < 3"
        )
    connection.close()
    with Memory.open(tmp_path, read_only=True) as memory:
        recalled = memory.ask(Query())
        assert len(recalled.answers) == 3
        assert len(recalled.notes) == 2
        assert all("is damaged and left out" in note for note in recalled.notes)
        assert sum(found.what == "experience" for found in memory.inspect()) == 2


def test_a_flipped_bit_in_a_vector_is_left_out_and_counted(tmp_path, experience) -> None:
    path = fill_and_close(tmp_path, experience, count=5)
    target = experience(2)
    vector = target.embedding / np.linalg.norm(target.embedding)
    content = bytearray(path.read_bytes())
    position = content.find(vector.astype(np.float32).tobytes())
    assert position > 0
    content[position + 5] ^= 0x10
    path.write_bytes(bytes(content))
    with Memory.open(tmp_path) as memory:
        assert memory.statistics().damaged_vectors == 1
        assert len(memory.recall(Query())) == 5, "the experience itself is still there"
        like = Query(example=vector, example_encoder_id="vision-1-abc")
        assert len(memory.recall(like)) == 4


def test_index_that_misses_a_row_is_found_out(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
        memory.verify()
        with memory._store._transaction() as connection:
            connection.exec_driver_sql("UPDATE vectors SET crc32 = crc32 + 1")
        with pytest.raises(StoreDamaged, match="index holds"):
            memory.verify()


def test_a_newer_schema_is_refused(tmp_path, experience) -> None:
    path = fill_and_close(tmp_path, experience, count=1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(StoreTooNew, match=f"version 99, .* knows up to {SCHEMA_VERSION}"):
        Memory.open(tmp_path)


def test_half_made_store_is_made_anew(tmp_path, experience) -> None:
    (tmp_path / "memory.db.new").write_bytes(b"cut off")
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
    assert not (tmp_path / "memory.db.new").exists()
