"""Power cuts at any moment: nothing acknowledged is lost, and no store is left damaged.

The real store runs on a VFS that notes every file operation; `SAGE_CRASH_POINTS` says at how many
of them the power fails, each time with another part of what was not synced left.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw_driver
import numpy as np
import power_loss
import pytest
from sqlalchemy.engine import Engine

from sage_common.core.clock import ManualClock
from sage_memory import Limits, Memory
from sage_memory.core.engine import schema
from sage_memory.core.engine.database import Driver, open_writer
from sage_memory.core.rows.changes import set_columns
from sage_memory.core.store.storage import FileStorage
from sage_memory.core.store.store import Store

CRASH_POINTS = int(os.environ.get("SAGE_CRASH_POINTS", "80"))
ROUNDS = 40
LOG_PAGES = 40
RELEASED = Path(__file__).with_name("stores") / "released_0001.sql"


class RecordedStorage(FileStorage):
    """The writer's file operations are noted."""

    def __init__(self, path: Path, vfs: str) -> None:
        super().__init__(path, None)
        self._vfs = vfs

    def open_writer(self) -> Engine:
        return open_writer(self.place, Driver(module=apsw_driver.through(self._vfs)))


@dataclass
class ProgressCallback:
    """What a client had been told when the power failed."""

    kept: list[bytes] = field(default_factory=list)
    pinned: list[bytes] = field(default_factory=list)


@dataclass
class Verdict:
    """What was found after all power cuts."""

    crashes: int = 0
    damaged: int = 0
    lost: int = 0
    first: str = ""


def files_of(home: Path) -> dict[str, bytes]:
    """The database as it lies on the disk."""
    return {path.name: path.read_bytes() for path in home.glob("memory.db*")}


def live(home: Path, experience, level: str = "FULL") -> list[power_loss.Operation]:
    """Remember, change, compact and close; what the disk and the client saw of it, in order."""
    with power_loss.recording(f"recorder of {home.name}") as recorder:
        store = Store(
            home,
            RecordedStorage(home / "memory.db", recorder.name),
            ManualClock(10**18),
            np.random.default_rng(1),
            "robot",
            Limits(),
        )
        assert store.durability == "WAL, synchronous FULL"
        store.committer.run(lambda: None).result()  # the connection is the writer's until it rests
        with store._transaction() as connection:
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
            connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        chance = random.Random(7)
        number = 100
        for turn in range(ROUNDS):
            group = range(number, number + chance.choice((1, 1, 2, 5)))
            number = group.stop
            futures = [store.remember(experience(i, text=f"word {i}"), None) for i in group]
            kept = [future.result().id for future in futures]
            for identifier in kept:
                recorder.say(("kept", identifier))
            if turn % 5 == 0:
                store.change(pin(store, kept[0])).result()
                recorder.say(("pinned", kept[0]))
            if turn % 13 == 12:
                store.compact().result()
        store.close()
    return recorder.operations


def pin(store: Store, identifier: bytes) -> Callable:
    """A change of a mutable field, with its clock."""

    def change(connection) -> None:
        set_columns(connection, [identifier], {"pinned": 1})
        store.set_clock(connection, identifier, "pinned")

    return change


def crash_everywhere(
    before: dict[str, bytes],
    operations: list[power_loss.Operation],
    points: int,
    folder: Path,
    prove: Callable[[Path, ProgressCallback], None],
) -> Verdict:
    """Let the power fail after `points` of the operations, and look at what is left each time."""
    chance = random.Random(points)
    disk = power_loss.Disk(before)
    told = ProgressCallback()
    verdict = Verdict()
    times = sorted(chance.choices(range(len(operations) + 1), k=points))
    done = 0
    for time in times:
        for operation in operations[done:time]:
            disk.apply(operation)
            if operation.kind == "said":
                what, identifier = operation.data
                getattr(told, what).append(identifier)
        done = time
        fate = chance.choice(power_loss.FATES)
        home = folder / "crashed"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for name, content in disk.crash(fate, chance).items():
            (home / name).write_bytes(content)
        verdict.crashes += 1
        try:
            prove(home, told)
        except LookupError as error:
            verdict.lost += 1
            verdict.first = verdict.first or f"operation {time}, {fate}: {error!r}"
        except Exception as error:  # noqa: BLE001 - however it shows, that is damage
            verdict.damaged += 1
            verdict.first = verdict.first or f"operation {time}, {fate}: {error!r}"
    return verdict


def prove_whole(home: Path, told: ProgressCallback) -> None:
    """The store opens, is sound, and holds everything that was acknowledged."""
    with Memory.open(home) as memory:
        memory.verify()
    connection = sqlite3.connect(home / "memory.db")
    try:
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
        if state != "ok" or connection.execute("PRAGMA foreign_key_check").fetchall():
            raise sqlite3.DatabaseError(state)
        whole = {
            identifier
            for (identifier,) in connection.execute(
                "SELECT id FROM experiences JOIN vectors ON id = vectors.experience_id "
                "JOIN clocks ON id = clocks.experience_id AND field = '*'"
            )
        }
        (rows,) = connection.execute("SELECT count(*) FROM experiences").fetchone()
        if len(whole) != rows:
            raise sqlite3.DatabaseError(f"{rows} experiences, {len(whole)} with all that is theirs")
        lost = set(told.kept) - whole
        if lost:
            raise LookupError(f"{len(lost)} of {len(told.kept)} acknowledged are lost")
        marked = connection.execute(
            "SELECT id FROM experiences JOIN clocks ON id = experience_id "
            "WHERE pinned = 1 AND field = 'pinned'"
        )
        if set(told.pinned) - {identifier for (identifier,) in marked}:
            raise LookupError("an acknowledged pin is lost")
    finally:
        connection.close()


def filled(home: Path, experience) -> dict[str, bytes]:
    """A store with some experiences, closed; its files."""
    with Memory.open(home, device_id="robot") as memory:
        for future in [memory.remember(experience(i)) for i in range(30)]:
            future.result()
    return files_of(home)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_power_cut_loses_what_was_acknowledged(tmp_path, experience, record_property) -> None:
    before = filled(tmp_path / "home", experience)
    operations = live(tmp_path / "home", experience)
    assert sum(operation.kind == "sync" for operation in operations) > ROUNDS
    verdict = crash_everywhere(before, operations, CRASH_POINTS, tmp_path, prove_whole)
    for name in ("crashes", "damaged", "lost"):
        record_property(name, getattr(verdict, name))
    assert verdict.crashes == CRASH_POINTS
    assert (verdict.damaged, verdict.lost) == (0, 0), verdict.first


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("level", ["NORMAL", "OFF"])
def test_the_simulator_finds_what_a_weaker_store_loses(
    tmp_path, experience, record_property, level
) -> None:
    before = filled(tmp_path / "home", experience)
    operations = live(tmp_path / "home", experience, level)
    points = max(CRASH_POINTS // 4, 40)
    verdict = crash_everywhere(before, operations, points, tmp_path, prove_whole)
    for name in ("crashes", "damaged", "lost"):
        record_property(name, getattr(verdict, name))
    assert verdict.lost > 0
    assert level == "OFF" or verdict.damaged == 0, "NORMAL loses, but does not damage"


def test_a_power_cut_while_it_migrates_leaves_either_version(
    tmp_path, experience, record_property
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with sqlite3.connect(home / "memory.db") as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(RELEASED.read_text("utf-8"))
        old = connection.execute("SELECT id, text, codes FROM experiences").fetchall()
    connection.close()
    before = files_of(home)
    with power_loss.recording("recorder of a migration") as recorder:
        storage = RecordedStorage(home / "memory.db", recorder.name)
        clock, rng = ManualClock(10**18), np.random.default_rng(1)
        Store(home, storage, clock, rng, "robot", Limits()).close()
    versions = set()

    def prove_either(crashed: Path, _told: ProgressCallback) -> None:
        connection = sqlite3.connect(crashed / "memory.db")
        (version,) = connection.execute(
            "SELECT value FROM meta WHERE key = 'schema_version'"
        ).fetchone()
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (f"000{version}",)
        ]
        versions.add(version)
        connection.close()
        with Memory.open(crashed) as memory:
            memory.verify()
        connection = sqlite3.connect(crashed / "memory.db")
        assert connection.execute("SELECT id, text, codes FROM experiences").fetchall() == old
        connection.close()

    points = max(CRASH_POINTS // 4, 20)
    verdict = crash_everywhere(before, recorder.operations, points, tmp_path, prove_either)
    for name in ("crashes", "damaged", "lost"):
        record_property(name, getattr(verdict, name))
    assert (verdict.damaged, verdict.lost) == (0, 0), verdict.first
    assert versions == {"1", str(schema.SCHEMA_VERSION)}
