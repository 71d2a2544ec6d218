"""Power cuts on a disk that keeps only names that were synced: nothing acknowledged is lost.

The strict model of POSIX (see `strict_disk`), which file systems may come down to: files and
folders that were made or renamed are gone unless the folder above was synced.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strict_disk
import test_power_loss as cuts

from sage_common.core.clock import Clock, ManualClock
from sage_common.core.home import make_private
from sage_common.core.state.file import load, save
from sage_memory import Limits, Memory, Payload
from sage_memory.core.engine.database import Driver, create_database
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.store.store import Store

COUNT = 16


class NotedStorage(cuts.RecordedStorage):
    """Making the database is noted, too."""

    def create(self, device_id: str, clock: Clock) -> None:
        if not self.exists():
            driver = Driver(module=cuts.apsw_driver.through(self._vfs))
            create_database(self.place, device_id, clock, driver)


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").mkdir()
    made = strict_disk.StrictDisk(tmp_path / "disk")
    yield made
    made.close()


def remember(home: Path, disk: Any, monkeypatch, experience, first: int, count: int) -> None:
    """Open the store in `home`, keep experiences with payloads, say so, and close."""
    name = f"recorder {first} of {home.parent.name}"
    with cuts.power_loss.recording(name) as recorder, strict_disk.noting(disk, monkeypatch):
        recorder.operations = strict_disk.Noted(disk, home)
        storage = NotedStorage(home / "memory.db", name)
        store = Store(
            home, storage, ManualClock(10**18), np.random.default_rng(first), "robot",
            Limits(min_free_bytes=0),
        )  # fmt: skip
        for index in range(first, first + count):
            payload = Payload(f"payload {index}".encode() * 9, "image/webp")
            kept = store.remember(experience(index), payload).result()
            disk.say((kept.id, kept.payload_sha256, payload.data))
        store.close()


def lost(home: Path, said: list[Any]) -> int:
    """How many of those acknowledged have lost their row or their payload."""
    if not said:
        return 0
    if not (home / "memory.db").exists():
        return len(said)
    with closing(sqlite3.connect(home / "memory.db")) as connection:
        rows = {row[0] for row in connection.execute("SELECT id FROM experiences")}
    files = PayloadFiles(home / "payloads")
    return sum(
        identifier not in rows or files.checked(sha256, "image/webp")[0] != data
        for identifier, sha256, data in said
    )


def test_no_power_cut_loses_an_acknowledged_payload(
    tmp_path, experience, monkeypatch, disk, record_property
) -> None:
    home = tmp_path / "disk" / "robots" / "one"
    remember(home, disk, monkeypatch, experience, 0, COUNT)
    remember(home, disk, monkeypatch, experience, COUNT, 4)  # a later process
    crashes = losses = acknowledged = 0
    for count in range(1, len(disk.syncs) + 1):
        crashed = tmp_path / "crashed"
        said = disk.crash(count, crashed)
        crashes, acknowledged = crashes + 1, max(acknowledged, len(said))
        losses += lost(crashed / "robots" / "one", said) > 0
        if count % 60 == 0 and said:
            with Memory.open(crashed / "robots" / "one") as memory:
                assert [one for one in memory.inspect() if one.serious] == []
        shutil.rmtree(crashed)
    for name, value in (("crashes", crashes), ("lost", losses), ("acknowledged", acknowledged)):
        record_property(name, value)
    assert acknowledged == COUNT + 4
    assert crashes > 3 * COUNT
    assert losses == 0, f"payloads or rows lost in {losses} of {crashes} crashes"


def test_the_model_loses_what_is_in_folders_that_were_not_synced(
    tmp_path, experience, monkeypatch, disk
) -> None:
    def make(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(PayloadFiles, "_make_durable", lambda _files, shard: make(shard))
    home = tmp_path / "disk" / "one"
    remember(home, disk, monkeypatch, experience, 0, 3)
    said = disk.crash(len(disk.syncs), tmp_path / "crashed")
    assert lost(tmp_path / "crashed" / "one", said) == 3


def test_a_shard_that_a_killed_process_made_is_synced_by_the_next(
    tmp_path, monkeypatch, disk
) -> None:
    folder = tmp_path / "disk" / "payloads"
    data = b"seen"
    sha256 = "ab" * 32
    (folder / "ab").mkdir(parents=True)  # and killed
    with strict_disk.noting(disk, monkeypatch):
        PayloadFiles(folder).write(sha256, Payload(data, "image/webp"))
    disk.crash(len(disk.syncs), tmp_path / "crashed")
    left = PayloadFiles(tmp_path / "crashed" / "payloads").path(sha256, "image/webp")
    assert left.read_bytes() == data


def test_a_payload_whose_name_could_not_be_synced_is_not_there(tmp_path, monkeypatch) -> None:
    files = PayloadFiles(tmp_path / "payloads")
    sha256 = "ab" * 32
    files.write(sha256, Payload(b"seen", "text/csv"))
    other = "abc" + sha256[3:]

    def refuse(_folder: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("sage_common.core.home.sync_folder", refuse)
    with pytest.raises(OSError, match="Input/output"):
        files.write(other, Payload(b"heard", "text/csv"))
    assert not files.path(other, "text/csv").exists()
    assert len(list((tmp_path / "payloads" / "ab").iterdir())) == 1


def test_states_and_folders_outlive_a_power_cut(tmp_path, monkeypatch, disk) -> None:
    path = tmp_path / "disk" / "robots" / "one" / "state" / "node.state"
    with strict_disk.noting(disk, monkeypatch):
        save(path, {"values": np.arange(3)}, {"node": "scorer"})
        make_private(tmp_path / "disk" / "robots" / "one" / "a" / "b")
    disk.crash(len(disk.syncs), tmp_path / "crashed")
    left = tmp_path / "crashed" / "robots" / "one"
    assert load(left / "state" / "node.state").arrays["values"].tolist() == [0, 1, 2]
    assert (left / "a" / "b").is_dir()
