"""A disk that is full, read-only or failing, and the room that a store takes and gives back."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from experiences import fill

from sage_memory import (
    Memory,
    MemoryFailure,
    Query,
)
from sage_memory.core.engine import database
from sage_memory.core.errors import DiskRefuses
from sage_memory.core.rows.changes import set_columns
from sage_memory.core.store import storage

COUNT = 40
PAGE = 4096
FULL_DISK = """
import pathlib, resource, sys
from sage_memory import Memory, NotStored, Query
sys.path.insert(0, sys.argv[2])
from experiences import numbered
home = pathlib.Path(sys.argv[1])
with Memory.open(home) as memory:
    memory.remember(numbered(0)).result()
    room = (home / "memory.db-wal").stat().st_size + 60_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    kept, refused = 1, 0
    for index in range(1, 100):
        try:
            memory.remember(numbered(index)).result()
            kept += 1
        except NotStored as error:
            refused += 1
            reason = error
    assert refused and kept > 1, (kept, refused)
    statistics = memory.statistics()
    assert statistics.failed == refused and statistics.experiences == kept
    assert str(reason) == memory._store.committer.last_failure
    assert len(memory.recall(Query(limit=1000))) == kept
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    memory.remember(numbered(200)).result()
    memory.verify()
with Memory.open(home) as memory:
    assert len(memory.recall(Query(limit=1000))) == kept + 1
print(reason)
"""


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_room_on_the_disk_refuses_experiences_keeps_the_rest_and_goes_on(tmp_path) -> None:
    done = run(FULL_DISK, tmp_path, Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    assert "disk" in done.stdout


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


READ_ONLY = """
import os, pathlib, sys
import numpy as np
from sage_memory import Memory, MemoryFailure, Query
np.random.default_rng()  # loads what the other user may not
home = pathlib.Path(sys.argv[1])
os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    with Memory.open(home, read_only=True) as memory:
        print(len(memory.recall(Query(limit=100))))
    Memory.open(home)
except MemoryFailure as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_read_only_folder_can_be_read_and_says_so_when_it_is_to_be_written(
    public, experience
) -> None:
    public.chmod(0o755)
    path = fill(public / "home", COUNT)
    (public / "home").chmod(0o555)
    path.chmod(0o444)
    (public / "home" / "memory.lock").chmod(0o444)
    done = run(READ_ONLY, public / "home")
    assert done.stdout.splitlines()[:1] == [str(COUNT)], done.stderr
    assert "StoreNotWritable" in done.stdout and "Permission denied" in done.stdout
    assert sorted(file.name for file in (public / "home").iterdir()) == [
        "memory.db",
        "memory.lock",
    ]


def test_the_log_does_not_grow_without_bound(tmp_path, experience, monkeypatch) -> None:
    monkeypatch.setattr(database, "LOG_PAGES", 200)
    monkeypatch.setattr(database, "LOG_BYTES", 400_000)
    log = tmp_path / "memory.db-wal"
    with Memory.open(tmp_path) as memory:
        sizes = []
        for index in range(600):
            memory.remember(experience(index)).result()
            sizes.append(log.stat().st_size)
        assert max(sizes) < 4 * 200 * PAGE
        assert (tmp_path / "memory.db").stat().st_size > max(sizes) / 4
    assert not log.exists(), "an orderly stop moves it into the file"


@pytest.mark.parametrize("room", [0.0, 1e9], ids=["rewritten", "too little room to rewrite it"])
def test_forgotten_bytes_are_gone_and_the_file_shrinks(
    tmp_path, experience, monkeypatch, room
) -> None:
    monkeypatch.setattr(storage, "ROOM_TO_REWRITE", room)
    secret = "the secret word"
    with Memory.open(tmp_path) as memory:
        for index in range(300):
            memory.remember(experience(index, text=f"{secret} {index}" * 20)).result()
        before = database.size_bytes(tmp_path / "memory.db")
        store = memory._store

        def remove(connection) -> None:
            connection.exec_driver_sql("DELETE FROM vectors")
            connection.exec_driver_sql("UPDATE experiences SET text = '', codes = x''")

        store.change(remove).result()
        freed = store.compact().result()
        after = database.size_bytes(tmp_path / "memory.db")
        assert freed > 0 and after < before / 2
    left = b"".join(file.read_bytes() for file in tmp_path.glob("memory.db*"))
    assert secret.encode() not in left


def test_no_room_to_compact_is_told_and_nothing_is_lost(tmp_path, experience, monkeypatch) -> None:
    monkeypatch.setattr(storage, "ROOM_TO_REWRITE", 1e9)
    with Memory.open(tmp_path) as memory:
        futures = [memory.remember(experience(i, text="long" * 500)) for i in range(300)]
        ids = [future.result().id for future in futures]
        store = memory._store

        def remove(connection) -> None:
            set_columns(connection, ids[:200], {"text": ""})

        store.change(remove).result()
        assert store.compact().result() > 0
        store.change(lambda connection: set_columns(connection, ids, {"text": ""})).result()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * PAGE, limits[1]))
        try:
            with pytest.raises(DiskRefuses, match=r"memory\.db: the disk refuses .*make room"):
                store.compact().result()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store.compact().result() > 0
        memory.verify()
        assert len(memory.recall(Query(limit=1000))) == 300


def test_a_failing_disk_fails_everyone_who_waits_once(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        store = memory._store
        release = threading.Event()
        store.committer.run(lambda: release.wait() and None)
        futures = [memory.remember(experience(i)) for i in range(50)]
        with sqlite3.connect(tmp_path / "memory.db") as other:
            store._connection.rows.exec_driver_sql("PRAGMA busy_timeout = 50")
            store._connection.rows.rollback()
            other.execute("BEGIN IMMEDIATE")
            release.set()
            for future in futures:
                with pytest.raises(MemoryFailure, match="database is locked"):
                    future.result()
            other.rollback()
        other.close()
        assert memory.statistics().failed == 50
        memory.remember(experience(60)).result()
