"""Power cuts in a run: the logical clock is never behind a row."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
import sleep_home
import test_power_loss as cuts
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from sage_common.core.clock import ManualClock
from sage_memory import Limits, Memory
from sage_memory.core.sleep.consolidation import ConsolidationRun
from sage_memory.core.store.store import Store

LIMITS = Limits(min_free_bytes=0, queue_size=1000)
STAMPS = "SELECT max(stamp) FROM clocks"
CLOCK = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'clock'"


def read_copies(store: Store, folder: Path) -> None:
    """Let the store read copies of its files: its recorded log has no index that others see."""

    @contextmanager
    def snapshot() -> Iterator[Connection]:
        store.committer.run(lambda: None).result()  # what was asked for before is written
        copy = folder / f"copy{len(list(folder.iterdir()))}"
        copy.mkdir()
        for name, content in cuts.files_of(store.path.parent).items():
            (copy / name).write_bytes(content)
        engine = create_engine(f"sqlite:///{copy / store.path.name}")
        with engine.connect() as connection:
            yield connection
        engine.dispose()
        shutil.rmtree(copy)

    folder.mkdir()
    store.reader.snapshot = snapshot


def stamps_of(path: Path) -> tuple[int, int]:
    """The logical clock, and the newest stamp of a row."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(CLOCK).fetchone()[0], connection.execute(STAMPS).fetchone()[0]


@pytest.mark.timeout(3600)
def test_no_power_cut_in_a_sleep_leaves_the_clock_behind_a_row(tmp_path, record_property) -> None:
    home = tmp_path / "home"
    with sleep_home.opened(home) as memory:
        sleep_home.fill(memory, groups=8, size=5)
    before = cuts.files_of(home)
    with cuts.power_loss.recording("recorder of a run") as recorder:
        storage = cuts.RecordedStorage(home / "memory.db", recorder.name)
        clock = ManualClock(sleep_home.START_NS + 3600 * 10**9)  # it stands still: stamps count on
        store = Store(home, storage, clock, np.random.default_rng(1), "robot", LIMITS)
        read_copies(store, tmp_path / "copies")
        report = ConsolidationRun(store, clock, sleep_home.OPTIONS).sleep()
        store.close()
    assert report.summaries > 0
    assert report.texts_removed > 0

    def prove(crashed: Path, _told: cuts.ProgressCallback) -> None:
        saved, newest = stamps_of(crashed / "memory.db")
        if saved < newest:
            raise LookupError(f"clock {saved} is behind the stamp {newest}")
        with Memory.open(crashed, clock=ManualClock(1), limits=LIMITS) as memory:
            memory.remember(sleep_home.moment(10_000)).result()
        assert stamps_of(crashed / "memory.db")[1] > newest, "a later row has a later stamp"

    points = max(cuts.CRASH_POINTS // 4, 20)
    verdict = cuts.crash_everywhere(before, recorder.operations, points, tmp_path, prove)
    for name in ("crashes", "damaged", "lost"):
        record_property(name, getattr(verdict, name))
    assert (verdict.damaged, verdict.lost) == (0, 0), verdict.first


def test_a_store_whose_clock_was_left_behind_goes_on_after_its_rows(tmp_path) -> None:
    with sleep_home.opened(tmp_path) as memory:
        sleep_home.fill(memory, groups=2)
    with closing(sqlite3.connect(tmp_path / "memory.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = '5' WHERE key = 'clock'")
    _, newest = stamps_of(tmp_path / "memory.db")
    with Memory.open(tmp_path, clock=ManualClock(1), limits=LIMITS) as memory:
        memory.remember(sleep_home.moment(10_000)).result()
    saved, last = stamps_of(tmp_path / "memory.db")
    assert saved >= last > newest
