"""The store: what is acknowledged, who may open it, and what a bad file says."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import (
    Limits,
    Memory,
    MemoryBusy,
    MemoryFailure,
    NotStored,
    Place,
    Query,
    StoreDamaged,
    StoreLocked,
    StoreMissing,
    StoreTooNew,
)
from sage_memory.core.schema import SCHEMA_VERSION


def rows(home: Path, sql: str) -> list[tuple]:
    with sqlite3.connect(f"file:{home / 'memory.db'}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_field_comes_back(tmp_path, experience) -> None:
    place = Place("map", (1.5, -2.0, 0.25), (0.0, 0.0, 0.6, 0.8), tuple(map(float, range(36))))
    words = np.ones(8, np.float32)
    told = experience(
        3, place=place, text="a dog", text_embedding=words, text_encoder_id="minilm-1"
    )
    with Memory.open(tmp_path, device_id="robot-7") as memory:
        kept = memory.remember(told).wait()
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
        memory.remember(experience()).wait()
        with memory._store._engine.connect() as live:
            assert live.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
            assert live.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert memory.statistics().durability == "WAL, synchronous FULL"


def test_row_vector_and_clock_stand_together_and_the_schema_is_stamped(
    tmp_path, experience
) -> None:
    with Memory.open(tmp_path) as memory:
        kept = [memory.remember(experience(i)) for i in range(5)]
        ids = [ticket.wait().id for ticket in kept]
    assert [row[0] for row in rows(tmp_path, "SELECT id FROM experiences ORDER BY number")] == ids
    assert {row[0] for row in rows(tmp_path, "SELECT experience_id FROM vectors")} == set(ids)
    stamps = rows(tmp_path, "SELECT experience_id, stamp, field FROM clocks ORDER BY stamp")
    assert [row[0] for row in stamps] == ids
    assert {row[2] for row in stamps} == {"*"}
    facts = dict(rows(tmp_path, "SELECT key, value FROM meta"))
    assert facts["schema_version"] == "1"
    assert int(facts["clock"]) == stamps[-1][1]
    assert rows(tmp_path, "SELECT version_num FROM alembic_version") == [("0001",)]


def test_clock_of_changes_ascends_over_a_restart_with_a_clock_gone_back(
    tmp_path, experience, clock
) -> None:
    with Memory.open(tmp_path, clock=clock) as memory:
        first = memory.remember(experience(0)).wait()
    with Memory.open(tmp_path, clock=ManualClock(1_000)) as memory:
        memory.remember(experience(1)).wait()
        memory.forget(first.id, "asked to").wait()
    stamps = rows(tmp_path, "SELECT field, stamp FROM clocks ORDER BY stamp")
    assert [field for field, _ in stamps] == ["*", "*", "forgotten"]
    assert len({stamp for _, stamp in stamps}) == 3


def test_the_forgotten_are_marked_not_found_and_not_deleted(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = [memory.remember(experience(i)).wait() for i in range(3)]
        memory.forget(kept[1].id, "asked to").wait()
        assert {a.experience.id for a in memory.recall(Query())} == {kept[0].id, kept[2].id}
        with pytest.raises(NotStored, match="expected an experience of this store"):
            memory.forget(b"x" * 16, "").wait()
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
        memory.remember(experience()).wait()
        with pytest.raises(InvalidInput, match=field):
            memory.remember(experience(1, **changes))
        memory.checkpoint()
        assert memory.statistics().experiences == 1


def test_full_queue_refuses_at_once_and_counts(tmp_path, experience) -> None:
    with Memory.open(tmp_path, limits=Limits(queue_size=4)) as memory:
        release = threading.Event()
        memory._store.committer.run(lambda: release.wait() and None)  # the disk hangs
        tickets = []
        with pytest.raises(MemoryBusy) as caught:
            for index in range(10):
                tickets.append(memory.remember(experience(index)))
        assert len(tickets) == 4
        assert caught.value.refused == 1
        assert not any(ticket.done for ticket in tickets)
        with pytest.raises(TimeoutError):
            tickets[0].wait(0.0)
        release.set()
        assert len({ticket.wait().id for ticket in tickets}) == 4
        assert memory.statistics().refused == 1
        assert memory.statistics().groups == 1, "what waited was committed together"


def test_one_bad_row_does_not_take_its_group_with_it(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        store = memory._store
        release = threading.Event()
        store.committer.run(lambda: release.wait() and None)
        good = memory.remember(experience(0))
        store._ids.next = lambda: good_id  # type: ignore[method-assign]
        good_id = b"\x01" * 16
        twin = [memory.remember(experience(1)), memory.remember(experience(2))]
        release.set()
        assert good.wait().id != good_id
        assert twin[0].wait().id == good_id
        with pytest.raises(NotStored, match="UNIQUE"):
            twin[1].wait()
        assert memory.statistics().failed == 1
        assert memory.statistics().experiences == 2
        memory.verify()


def test_a_full_disk_fails_the_ticket_and_only_that(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(0)).wait()
        with memory._store._engine.connect() as live:  # SQLite then says what a full disk says
            pages = live.exec_driver_sql("PRAGMA page_count").scalar_one()
            live.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(NotStored, match="database or disk is full"):
            for index in range(1, 50):
                memory.remember(experience(index)).wait()
        assert memory.statistics().failed == 1
        known = memory.statistics().experiences
        assert memory.recall(Query(example_id=kept.id, limit=1)) or known == 1
        with memory._store._engine.connect() as live:
            live.exec_driver_sql("PRAGMA max_page_count = 1000000")
        memory.remember(experience(90)).wait()
        assert memory.statistics().experiences == known + 1
        memory.verify()


def test_two_sizes_of_one_new_encoder_cannot_both_be_queued(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        release = threading.Event()
        memory._store.committer.run(lambda: release.wait() and None)
        first = memory.remember(experience(0, encoder_id="new", embedding=np.ones(4, np.float32)))
        with pytest.raises(InvalidInput, match=r"embedding.shape = \(5,\): expected \(4,\)"):
            memory.remember(experience(1, encoder_id="new", embedding=np.ones(5, np.float32)))
        release.set()
        first.wait()
        assert memory.statistics().damaged_vectors == 0


def test_second_writer_is_told_who_holds_the_store(tmp_path) -> None:
    with Memory.open(tmp_path):
        with pytest.raises(StoreLocked, match=f"in use by process {os.getpid()}") as caught:
            Memory.open(tmp_path)
        assert caught.value.pid == os.getpid()
    Memory.open(tmp_path).close()


def test_a_writer_of_another_process_is_told_too(tmp_path, experience) -> None:
    program = (
        "import pathlib, sys; from sage_memory import Memory, Query, StoreLocked\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "try: Memory.open(home)\n"
        "except StoreLocked as error: print(error.pid)\n"
        "print(len(Memory.open(home, read_only=True).recall(Query())))"
    )
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).wait()
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == [str(os.getpid()), "1"]


def test_reader_follows_the_writer_and_cannot_write(tmp_path, experience) -> None:
    with pytest.raises(StoreMissing, match="no store here"):
        Memory.open(tmp_path, read_only=True)
    with Memory.open(tmp_path) as writer:
        writer.remember(experience(0)).wait()
        with Memory.open(tmp_path, read_only=True) as reader:
            assert len(reader.recall(Query())) == 1
            kept = [writer.remember(experience(i)).wait() for i in range(1, 40)]
            assert len(reader.recall(Query(limit=100))) == 40
            like = Query(example=kept[5].embedding, example_encoder_id="vision-1-abc")
            assert reader.recall(like)[0].experience.id == kept[5].id
            writer.forget(kept[5].id, "").wait()
            assert reader.recall(like)[0].experience.id != kept[5].id
            reader.verify()
            with pytest.raises(MemoryFailure, match="read-only"):
                reader.remember(experience(99))


def test_closed_memory_says_so_and_closes_twice(tmp_path, experience) -> None:
    memory = Memory.open(tmp_path)
    memory.close()
    memory.close()
    with pytest.raises(MemoryFailure, match="closed"):
        memory.remember(experience())
    with pytest.raises(MemoryFailure, match="closed"):
        memory.recall(Query())


def test_files_are_private(tmp_path, experience) -> None:
    home = tmp_path / "home"
    with Memory.open(home) as memory:
        memory.remember(experience()).wait()
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        for file in home.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def fill_and_close(home: Path, experience, count: int = 60) -> Path:
    with Memory.open(home) as memory:
        for ticket in [memory.remember(experience(i)) for i in range(count)]:
            ticket.wait()
    return home / "memory.db"


@pytest.mark.parametrize("read_only", [False, True])
def test_truncated_file_is_named_with_the_mend(tmp_path, experience, read_only) -> None:
    path = fill_and_close(tmp_path, experience)
    whole = path.read_bytes()
    for length in (0, 50, 4096, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(StoreDamaged, match=r"memory\.db.*\.recover.*mv memory\.db") as caught:
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
        memory.remember(experience()).wait()
        memory.verify()
        with memory._store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE vectors SET crc32 = crc32 + 1")
        with pytest.raises(StoreDamaged, match="index holds"):
            memory.verify()


def test_a_newer_schema_is_refused(tmp_path, experience) -> None:
    path = fill_and_close(tmp_path, experience, count=1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
    with pytest.raises(StoreTooNew, match="schema version 2, this version knows up to 1"):
        Memory.open(tmp_path)


def test_half_made_store_is_made_anew(tmp_path, experience) -> None:
    (tmp_path / "memory.db.new").write_bytes(b"cut off")
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).wait()
    assert not (tmp_path / "memory.db.new").exists()


def test_lock_step_runs_give_identical_stores(tmp_path, experience) -> None:
    def run(home: Path) -> list[bytes]:
        clock = ManualClock(10**18)
        with Memory.open(
            home, clock=clock, rng=np.random.default_rng(5), device_id="robot"
        ) as memory:
            ids = []
            for index in range(20):
                clock.advance_to(10**18 + index * 400_000)
                ids.append(memory.remember(experience(index)).wait().id)
        return ids

    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    assert first == second
    tables = "SELECT * FROM clocks ORDER BY stamp"
    assert rows(tmp_path / "a", tables) == rows(tmp_path / "b", tables)
    again = run(tmp_path / "a")
    assert not set(again) & set(first), "the same recording twice into one store"


def test_a_reader_beside_a_busy_writer_never_stumbles(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as writer:
        first = writer.remember(experience(0)).wait()
        stop = threading.Event()

        def write() -> None:
            number = 1
            while not stop.is_set():
                writer.remember(experience(number)).wait()
                number += 1

        thread = threading.Thread(target=write)
        thread.start()
        try:
            with Memory.open(tmp_path, read_only=True) as reader:
                seen = [0]
                while len(seen) < 12:
                    for memory in (reader, writer):
                        answers = memory.recall(Query(example_id=first.id, limit=1000))
                        assert first.id not in {a.experience.id for a in answers}
                    seen.append(len(reader.recall(Query(limit=1000))))
                    reader.verify()
                    writer.verify()
        finally:
            stop.set()
            thread.join()
    assert seen == sorted(seen) and seen[-1] > seen[1]


def test_many_threads_remember_at_once(tmp_path, experience) -> None:
    with Memory.open(tmp_path, limits=Limits(queue_size=1000)) as memory:
        ids: list[bytes] = []

        def work(first: int) -> None:
            tickets = [memory.remember(experience(first + i)) for i in range(50)]
            ids.extend(ticket.wait().id for ticket in tickets)

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == 200
        statistics = memory.statistics()
        assert statistics.committed == statistics.experiences == statistics.vectors == 200
        assert statistics.groups < 200
        memory.verify()
    stored = [row[0] for row in rows(tmp_path, "SELECT id FROM experiences ORDER BY number")]
    assert stored == sorted(stored), "ids ascend in the order of commitment"
