"""The store: what is acknowledged, and what stands in its tables."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from stored_rows import rows

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import (
    Memory,
    MemoryFailure,
    Place,
    Query,
)
from sage_memory.core.engine.schema import REVISION, SCHEMA_VERSION


def test_every_field_comes_back(tmp_path, experience) -> None:
    place = Place("map", (1.5, -2.0, 0.25), (0.0, 0.0, 0.6, 0.8), tuple(map(float, range(36))))
    words = np.ones(8, np.float32)
    told = experience(
        3, place=place, text="a dog", text_embedding=words, text_encoder_id="minilm-1"
    )
    with Memory.open(tmp_path, device_id="robot-7") as memory:
        kept = memory.remember(told).result()
    with Memory.open(tmp_path) as memory:
        (answer,) = memory.recall(Query(with_embedding=True))
    found = answer.experience
    assert found.id == kept.id and len(found.id) == 16
    assert found.device_id == "robot-7" and found.schema_version == SCHEMA_VERSION
    assert found.place == place
    np.testing.assert_array_equal(found.codes, told.codes)
    unit = told.embedding / np.linalg.norm(told.embedding)
    np.testing.assert_allclose(found.embedding, unit, atol=1e-6)
    for name in ("start_ns", "end_ns", "modality", "source", "encoder_id", "surprise", "novelty",
                 "arousal", "reward", "conflict", "total", "reason", "text"):  # fmt: skip
        assert getattr(found, name) == getattr(told, name), name


def test_acknowledged_means_synced_in_the_write_ahead_log(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
        with memory._store._transaction() as live:
            assert live.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
            assert live.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert memory.statistics().durability == "WAL, synchronous FULL"


def test_row_vector_and_clock_stand_together_and_the_schema_is_stamped(
    tmp_path, experience
) -> None:
    with Memory.open(tmp_path) as memory:
        kept = [memory.remember(experience(i)) for i in range(5)]
        ids = [future.result().id for future in kept]
    assert [row[0] for row in rows(tmp_path, "SELECT id FROM experiences ORDER BY number")] == ids
    assert {row[0] for row in rows(tmp_path, "SELECT experience_id FROM vectors")} == set(ids)
    stamps = rows(tmp_path, "SELECT experience_id, stamp, field FROM clocks ORDER BY stamp")
    assert [row[0] for row in stamps] == ids
    assert {row[2] for row in stamps} == {"*"}
    facts = dict(rows(tmp_path, "SELECT key, value FROM meta"))
    assert facts["schema_version"] == str(SCHEMA_VERSION)
    assert int(facts["clock"]) == stamps[-1][1]
    assert rows(tmp_path, "SELECT version_num FROM alembic_version") == [(REVISION,)]


def test_clock_of_changes_ascends_over_a_restart_with_a_clock_gone_back(
    tmp_path, experience, clock
) -> None:
    with Memory.open(tmp_path, clock=clock) as memory:
        first = memory.remember(experience(0)).result()
    with Memory.open(tmp_path, clock=ManualClock(1_000)) as memory:
        memory.remember(experience(1)).result()
        memory.forget([first.id], "asked to").result()
    stamps = rows(tmp_path, "SELECT field, stamp FROM clocks ORDER BY stamp")
    assert [field for field, _ in stamps] == ["*", "*", "forgotten"]
    assert len({stamp for _, stamp in stamps}) == 3


def test_the_forgotten_are_marked_not_found_and_not_deleted(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = [memory.remember(experience(i)).result() for i in range(3)]
        memory.forget([kept[1].id], "asked to").result()
        assert {a.experience.id for a in memory.recall(Query())} == {kept[0].id, kept[2].id}
        with pytest.raises(InvalidInput, match="experiences of this store"):
            memory.forget([b"x" * 16], "").result()
    with Memory.open(tmp_path) as memory:
        assert {a.experience.id for a in memory.recall(Query())} == {kept[0].id, kept[2].id}
    marks = rows(tmp_path, "SELECT forgotten_reason FROM experiences ORDER BY number")
    assert marks == [(None,), ("asked to",), (None,)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"embedding": np.array([1.0, np.nan], np.float32)}, "embedding"),
        ({"embedding": np.zeros(16, np.float32)}, r"\|embedding\|"),
        ({"embedding": np.ones((2, 8), np.float32)}, "embedding.shape"),
        ({"embedding": np.zeros(0, np.float32)}, "embedding.shape"),
        ({"embedding": np.ones(17, np.float32)}, "embedding.shape"),
        ({"text_embedding": np.ones(4, np.float32)}, "text_encoder_id"),
        ({"codes": np.full((30, 30), 10, np.uint8)}, "codes"),
        ({"codes": np.zeros((29, 30), np.uint8)}, "codes"),
        ({"total": float("nan")}, "total"),
        ({"surprise": 1.5}, "surprise"),
        ({"end_ns": 1}, "start_ns"),
        ({"modality": ""}, "modality"),
        ({"place": Place("map", (0.0, 0.0, float("inf")))}, "place.position"),
    ],
)
def test_wrong_input_names_its_field_and_nothing_is_kept(
    tmp_path, experience, changes, field
) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
        with pytest.raises(InvalidInput, match=field):
            memory.remember(experience(1, **changes))
        memory.checkpoint()
        assert memory.statistics().experiences == 1


def test_closed_memory_says_so_and_closes_twice(tmp_path, experience) -> None:
    memory = Memory.open(tmp_path)
    memory.close()
    memory.close()
    with pytest.raises(MemoryFailure, match="closed"):
        memory.remember(experience())
    with pytest.raises(MemoryFailure, match="closed"):
        memory.recall(Query())


@pytest.mark.parametrize("part", ["reader", "committer", "_connection"])
def test_a_failed_close_releases_the_store(tmp_path, experience, monkeypatch, part) -> None:
    memory = Memory.open(tmp_path)
    memory.remember(experience(1)).result()
    owner = getattr(memory._store, part)
    real = owner.close

    def fail() -> None:
        real()
        raise OSError("the disk is gone")

    monkeypatch.setattr(owner, "close", fail)
    with pytest.raises(OSError, match="the disk is gone"):
        memory.close()
    with Memory.open(tmp_path) as again:
        assert again.statistics().experiences == 1


def test_a_writer_moves_the_log_before_it_closes_its_connection(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        reader = sqlite3.connect(tmp_path / "memory.db")  # SQLite moves it with the last one only
        with closing(reader):
            assert reader.execute("SELECT count(*) FROM experiences").fetchone() == (0,)
            memory.remember(experience(1)).result()
            memory.close()
            alone = tmp_path / "alone.db"
            alone.write_bytes((tmp_path / "memory.db").read_bytes())
    with closing(sqlite3.connect(f"file:{alone}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM experiences").fetchone() == (1,)


def test_files_are_private(tmp_path, experience) -> None:
    home = tmp_path / "home"
    with Memory.open(home) as memory:
        memory.remember(experience()).result()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        for file in home.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_lock_step_runs_give_identical_stores(tmp_path, experience) -> None:
    def run(home: Path) -> list[bytes]:
        clock = ManualClock(10**18)
        with Memory.open(
            home, clock=clock, rng=np.random.default_rng(5), device_id="robot"
        ) as memory:
            ids = []
            for index in range(20):
                clock.advance_to(10**18 + index * 400_000)
                ids.append(memory.remember(experience(index)).result().id)
        return ids

    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    assert first == second
    tables = "SELECT * FROM clocks ORDER BY stamp"
    assert rows(tmp_path / "a", tables) == rows(tmp_path / "b", tables)
    again = run(tmp_path / "a")
    assert not set(again) & set(first), "the same recording twice into one store"
