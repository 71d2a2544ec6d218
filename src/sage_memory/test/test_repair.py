"""Verification finds what is wrong, and repair keeps what is not."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from sage_memory import Memory, Payload, Query, StoreDamaged, StoreLocked, StoreMissing
from sage_memory.core.engine.database import begin_snapshot, open_reader, open_writer
from sage_memory.core.errors import DiskRefuses, NothingToRecover
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.recovery.repair import ProgressCallback, repair
from sage_memory.core.recovery.verification import Finding, inspect_rows
from sage_memory.core.rows.changes import set_columns

PAGE = 4096
COUNT = 60


def fill(home: Path, experience) -> Path:
    with Memory.open(home, device_id="robot") as memory:
        futures = [
            memory.remember(
                experience(i, text=f"word {i}"),
                Payload(f"payload {i}".encode(), "image/webp") if i % 10 == 0 else None,
            )
            for i in range(COUNT)
        ]
        for future in futures:
            future.result()
    return home / "memory.db"


def findings(home: Path) -> list[Finding]:
    engine = open_reader(home / "memory.db")
    with engine.connect() as connection:
        begin_snapshot(connection)
        found = inspect_rows(connection, PayloadFiles(home / "payloads"))
    engine.dispose()
    return found


def change(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(sql)
    connection.commit()
    connection.close()


def assert_sound(home: Path, experience, lost: Sequence[str] = ()) -> set[int]:
    """The repaired store verifies, and what it holds is what was remembered; its numbers.

    What `lost` names as altered is there, as it was read.
    """
    altered = [words.split()[1] for words in lost if "it was altered" in words]
    assert [found for found in findings(home) if found.what != "payload"] == []
    with Memory.open(home) as memory:
        memory.verify()
        answers = memory.recall(Query(limit=1000))
        numbers = set()
        assert {answer.id for answer in answers} >= {name.rstrip(":") for name in altered}
        for answer in answers:
            if f"{answer.id}:" in altered:
                continue
            number = int(answer.experience.reason.removeprefix("reason "))
            numbers.add(number)
            told = experience(number)
            assert (answer.experience.codes == told.codes).all()
            assert answer.experience.text == f"word {number}"
        new = memory.remember(experience(999)).result()
        assert new.id in {answer.experience.id for answer in memory.recall(Query(limit=1000))}
    return numbers


def test_a_sound_store_has_nothing_to_find(tmp_path, experience) -> None:
    fill(tmp_path, experience)
    assert findings(tmp_path) == []


@pytest.mark.parametrize(
    ("sql", "what", "where", "serious"),
    [
        ("UPDATE vectors SET crc32 = 1 WHERE number = 7", "vector", "vector 7 of", True),
        ("UPDATE vectors SET dim = 3 WHERE number = 7", "vector", "vector 7 of", True),
        ("UPDATE experiences SET codes = x'00' WHERE number = 3", "experience", "unpacked", True),
        ("UPDATE experiences SET sketch = x'00' WHERE number = 3", "experience", "sketch", True),
        ("UPDATE experiences SET end_ns = 0 WHERE number = 3", "experience", "ends before", True),
        ("DELETE FROM clocks WHERE stamp IN (SELECT min(stamp) FROM clocks)",
         "clock", "1 has", False),
        ("UPDATE meta SET value = '5' WHERE key = 'clock'", "fact", "clock 5 is behind", True),
        ("UPDATE alembic_version SET version_num = '0001'", "fact", "0001", True),
        ("INSERT INTO clocks VALUES (x'00', 'text', 1, 'robot')", "clock", "is not there", False),
        ("INSERT INTO summary_members VALUES (x'00', x'01')", "link", "leads nowhere", True),
        ("UPDATE experiences SET covers = 2 WHERE number = 3", "link", "none is linked", True),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(tmp_path, experience, sql, what, where, serious) -> None:
    change(fill(tmp_path, experience), sql)
    found = [one for one in findings(tmp_path) if one.what == what and where in one.where]
    assert found and found[0].serious == serious and found[0].fix


def test_payloads_that_are_gone_or_changed_are_found(tmp_path, experience) -> None:
    fill(tmp_path, experience)
    files = sorted((tmp_path / "payloads").glob("*/*"))
    files[0].unlink()
    files[1].write_bytes(b"other")
    gone, changed = sorted(findings(tmp_path), key=lambda one: one.serious)
    assert gone.what == changed.what == "payload"
    assert str(files[0]) in gone.where and not gone.serious
    assert str(files[1]) in changed.where and changed.serious


def test_payloads_that_no_experience_names_are_found(tmp_path, experience) -> None:
    fill(tmp_path, experience)
    with Memory.open(tmp_path) as memory:
        first = memory.recall(Query(end_ns=experience(0).end_ns))[0].experience.id
        memory.change(lambda c: set_columns(c, [first], {"payload_sha256": ""})).result()
    orphan = tmp_path / "payloads" / "ab" / f"{'ab' * 32}.webp"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left behind")
    assert len(findings(tmp_path)) == 1, "its row may be about to come"
    os.utime(orphan, (0, 0))
    row, file = findings(tmp_path)
    assert "no experience names it" in row.where and not row.serious
    assert str(orphan) in file.where and "no row names it" in file.where and not file.serious


def test_a_full_disk_is_named_and_leaves_no_half_made_store(
    tmp_path, experience, monkeypatch
) -> None:
    path = fill(tmp_path, experience)
    before = path.read_bytes()

    def small(fresh: Path, driver):
        engine = open_writer(fresh, driver)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 20")
        return engine

    monkeypatch.setattr("sage_memory.core.recovery.repair.open_writer", small)
    with pytest.raises(DiskRefuses, match=r"memory\.db\.repaired.*is full.*make room"):
        repair(tmp_path)
    assert not list(tmp_path.glob("memory.db.repaired*"))
    assert path.read_bytes() == before and not list(tmp_path.glob("damaged-*"))


def test_of_an_empty_file_nothing_is_left_to_save(tmp_path, experience) -> None:
    fill(tmp_path, experience).write_bytes(b"")
    with pytest.raises(NothingToRecover, match=r"nothing is left to save.*backup") as caught:
        repair(tmp_path)
    assert "memory repair" not in str(caught.value)


def test_a_vector_that_does_not_match_is_left_out_of_the_repaired_store(
    tmp_path, experience
) -> None:
    path = fill(tmp_path, experience)
    change(path, "UPDATE vectors SET crc32 = 1 WHERE number = 7")
    (tmp_path / "index").mkdir(exist_ok=True)
    repaired = repair(tmp_path)
    assert not (tmp_path / "index").exists(), "the cache of the index is of the old rows"
    assert repaired.kept["experiences"] == COUNT and repaired.kept["vectors"] == COUNT - 1
    assert repaired.lost == [
        "1 vectors that do not match their checksums",
        "1 experiences have no vectors: evicted on purpose, or lost",
    ]
    assert assert_sound(tmp_path, experience) == set(range(COUNT))
    aside = sqlite3.connect(repaired.set_aside / "memory.db")
    assert aside.execute("SELECT count(*) FROM vectors").fetchone() == (COUNT,)
    aside.close()


def test_a_repair_tells_how_far_it_is(tmp_path, experience, monkeypatch) -> None:
    monkeypatch.setattr("sage_memory.core.recovery.repair.BATCH", 16)
    path = fill(tmp_path, experience)
    change(path, "UPDATE vectors SET crc32 = 1 WHERE number = 7")
    most: dict[str, int] = {}
    done: list[tuple[str, int]] = []
    repair(
        tmp_path,
        progress=ProgressCallback(most.update, lambda name, more: done.append((name, more))),
    )
    assert most == {"experiences": COUNT, "vectors": COUNT, "clocks": COUNT}
    assert [more for name, more in done if name == "experiences"] == [16, 16, 16, 12]
    assert sum(more for name, more in done if name == "vectors") == COUNT - 1


@pytest.mark.slow
def test_every_page_may_be_lost_and_the_rest_is_kept(tmp_path, experience) -> None:
    original = tmp_path / "original"
    whole = fill(original, experience).read_bytes()
    pages = len(whole) // PAGE
    chance = random.Random(3)
    kept = []
    for page in range(pages):
        home = tmp_path / "damaged"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(original, home)
        garbage = chance.choice((bytes(PAGE), chance.randbytes(PAGE)))
        content = whole[: page * PAGE] + garbage + whole[(page + 1) * PAGE :]
        (home / "memory.db").write_bytes(content)
        repaired = repair(home)
        assert not list(home.glob(".repair-*"))
        assert (repaired.set_aside / "memory.db").read_bytes() == content
        kept.append(len(assert_sound(home, experience)))
        if kept[-1] < COUNT:
            assert repaired.lost
    assert pages > 30
    assert np.mean(kept) > 0.9 * COUNT
    assert min(kept[:1]) == COUNT, "a lost first page takes nothing with it"


def test_a_file_cut_short_keeps_what_is_in_it(tmp_path, experience) -> None:
    path = fill(tmp_path, experience)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 9 // 10])
    with pytest.raises(StoreDamaged):
        Memory.open(tmp_path)
    repaired = repair(tmp_path)
    assert repaired.lost
    assert 0 < len(assert_sound(tmp_path, experience, repaired.lost)) < COUNT


def test_the_log_is_read_too_and_does_not_meet_the_new_file(tmp_path, experience) -> None:
    memory = Memory.open(tmp_path)
    for index in range(20):
        memory.remember(experience(index, text=f"word {index}")).result()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("memory.db", "memory.db-wal"):
        shutil.copy(tmp_path / name, copy / name)
    memory.close()
    log = copy / "memory.db-wal"
    assert log.stat().st_size > 0
    repaired = repair(copy)
    assert repaired.lost == [] and repaired.kept["experiences"] == 20
    assert (repaired.set_aside / "memory.db-wal").exists()
    assert assert_sound(copy, experience) == set(range(20))


def test_files_of_payloads_whose_rows_are_lost_are_not_swept_away(tmp_path, experience) -> None:
    path = fill(tmp_path, experience)
    change(path, "DELETE FROM payloads")
    repaired = repair(tmp_path)
    assert repaired.kept["payloads"] == COUNT // 10
    with Memory.open(tmp_path) as memory:
        memory.checkpoint()
        answers = memory.recall(Query(limit=100))
        assert sum(answer.payload_path is not None for answer in answers) == COUNT // 10


def test_what_is_no_database_is_left_alone(tmp_path, experience) -> None:
    with pytest.raises(StoreMissing):
        repair(tmp_path)
    (tmp_path / "memory.db").write_bytes(b"a letter" * 9000)
    with pytest.raises(StoreDamaged, match="nothing of it"):
        repair(tmp_path)
    assert (tmp_path / "memory.db").read_bytes() == b"a letter" * 9000
    assert {path.name for path in tmp_path.iterdir()} == {"memory.db", "memory.lock"}


def test_a_store_in_use_is_not_repaired(tmp_path, experience) -> None:
    with Memory.open(tmp_path), pytest.raises(StoreLocked):
        repair(tmp_path)
