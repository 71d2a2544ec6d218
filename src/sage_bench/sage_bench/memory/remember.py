"""Rows of the bench: remembering through the public API, synced, beside what others do."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.corpus import Corpus, stamp_of
from sage_bench.memory.peers.ours import DEVICE, OURS, limits, store_all
from sage_bench.memory.workplace import Workplace, report_progress
from sage_bench.result import Row, row_of_samples
from sage_memory import Memory

GOAL_ALONE, GOAL_P99_MS, GOAL_GROUPED = 2_000.0, 2.0, 12_000.0
GROUP = 64
RUNS = 2
TABLE = """CREATE TABLE moments (
    id BLOB PRIMARY KEY, stamp_ns INTEGER, modality TEXT, total REAL, x REAL, y REAL, text TEXT,
    codes BLOB, vector BLOB)"""
INSERT = "INSERT INTO moments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
NOTE = (
    "remembering: 384 numbers, a puzzle, words, a place; ours through Memory.remember, waiting for "
    f"each future, or with 1,024 futures on the way; rates are the best of {RUNS} runs (eMEM: one "
    "run of 3,000). Raw SQLite and sqlite-vec are WAL and synchronous FULL as ours is, one or two "
    "tables and no checks; eMEM (flush_batch_size 1, or its default of 5) is WAL and synchronous "
    "NORMAL and keeps its graph in memory until it is closed, so what it acknowledged is not "
    "durable"
)


@dataclass(frozen=True)
class Stored:
    """Storing, one after the other.

    Attributes:
        count: moments.
        taken_s: for all.
        each_ms: time of each call that waited for the disk; empty where none was taken.
    """

    count: int
    taken_s: float
    each_ms: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Moments a second."""
        return self.count / self.taken_s


Item = TypeVar("Item")
Storing = Callable[[Path, Corpus], Stored]


def rows(place: Workplace) -> Figures:
    """One a commit, and in groups."""
    scale = place.scale
    notes = [NOTE]
    size = max(scale.alone, scale.grouped)
    corpus = place.largest.first(size)
    alone, grouped = corpus.first(scale.alone), corpus.first(scale.grouped)
    ours = _best(place, OURS, _ours_alone, alone)
    group = _best(place, OURS, _ours_grouped, grouped)
    beside = _all(place, ALONE, alone, notes)
    beside_group = _all(place, GROUPED, grouped, notes)
    p99s = {name: float(np.percentile(found.each_ms, 99)) for name, found in beside.items()}
    made = (
        Row("remember, synced, one a commit", ours.rate, "1/s", GOAL_ALONE, "higher",
            {name: found.rate for name, found in beside.items()}, ours.count),
        row_of_samples("remember, synced, one a commit, p99", ours.each_ms, "ms",
                       goal=GOAL_P99_MS, rank=99, baselines=p99s),
        Row("remember, synced, group commit", group.rate, "1/s", GOAL_GROUPED, "higher",
            {name: found.rate for name, found in beside_group.items()}, group.count),
    )  # fmt: skip
    return Figures(made, tuple(notes))


def _ours_alone(folder: Path, corpus: Corpus) -> Stored:
    moments = list(corpus.experiences())
    with Memory.open(folder, device_id=DEVICE, limits=limits()) as memory:
        return _each(moments, lambda moment: memory.remember(moment).result())


def _ours_grouped(folder: Path, corpus: Corpus) -> Stored:
    moments = list(corpus.experiences())
    with Memory.open(folder, device_id=DEVICE, limits=limits()) as memory:
        begin = time.perf_counter()
        store_all(memory, moments)
        return Stored(len(moments), time.perf_counter() - begin)


def _sqlite(group: int) -> Storing:
    def store(folder: Path, corpus: Corpus) -> Stored:
        connection = sqlite3.connect(folder / "memory.db")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(TABLE)
        values = [_values(corpus, row) for row in range(len(corpus))]
        groups = [values[begin : begin + group] for begin in range(0, len(values), group)]

        def commit(members: list[tuple[object, ...]]) -> None:
            with connection:
                connection.executemany(INSERT, members)

        found = _each(groups, commit)
        connection.close()
        return Stored(len(values), found.taken_s, found.each_ms)

    return store


def _sqlite_vec(group: int) -> Storing:
    def store(folder: Path, corpus: Corpus) -> Stored:
        from sage_bench.memory.peers import sqlite_vec as sqlite_vec_peer

        connection = sqlite_vec_peer.opened(folder / "memory.db")
        sqlite_vec_peer.create(connection, corpus.vectors.shape[1])

        def commit(members: range) -> None:
            with connection:
                sqlite_vec_peer.insert(connection, corpus, members)

        found = _each(list(sqlite_vec_peer.batches(len(corpus), group)), commit)
        connection.close()
        return Stored(len(corpus), found.taken_s, found.each_ms)

    return store


def _emem(batch: int) -> Storing:
    def store(folder: Path, corpus: Corpus) -> Stored:
        from sage_bench.memory.peers import emem as emem_peer

        memory = emem_peer.opened(folder, corpus.vectors.shape[1], len(corpus) + 1000, batch)
        found = _each(list(range(len(corpus))), lambda row: emem_peer.add(memory, corpus, row))
        memory.close()
        return found

    return store


ALONE: Mapping[str, Storing] = {
    "raw SQLite FULL": _sqlite(1),
    "sqlite-vec FULL": _sqlite_vec(1),
    "eMEM, not durable": _emem(1),
}
GROUPED: Mapping[str, Storing] = {
    "raw SQLite FULL, 10 a commit": _sqlite(10),
    f"raw SQLite FULL, {GROUP} a commit": _sqlite(GROUP),
    f"sqlite-vec FULL, {GROUP} a commit": _sqlite_vec(GROUP),
    "eMEM, not durable, 5 a commit": _emem(5),
}
SLOW = ("eMEM",)
"""Whose graph makes more than a few thousand take long: they store fewer."""
FEW = 3_000


def _all(
    place: Workplace, ways: Mapping[str, Storing], corpus: Corpus, notes: list[str]
) -> dict[str, Stored]:
    found = {}
    for name, way in ways.items():
        slow = name.startswith(SLOW)
        try:
            found[name] = _best(place, name, way, corpus.first(FEW) if slow else corpus, slow)
        except ImportError as error:
            notes.append(f"{error.name} is not installed: '{name}' is left out")
        except (sqlite3.Error, OSError, RuntimeError) as error:
            notes.append(f"{name} failed: {error}")
    return found


def _best(place: Workplace, name: str, way: Storing, corpus: Corpus, once: bool = False) -> Stored:
    """The fastest of a few runs: a shared disk is at times half as fast."""
    runs = 1 if once or place.setting.quick else RUNS
    found = []
    for _ in range(runs):
        report_progress(f"remember: {len(corpus):,} by {name}")
        with place.fresh_folder() as folder:
            found.append(way(folder, corpus))
    return max(found, key=lambda stored: stored.rate)


def _each(items: Sequence[Item], store: Callable[[Item], object]) -> Stored:
    each_ms = []
    begin = time.perf_counter()
    for item in items:
        before = time.perf_counter_ns()
        store(item)
        each_ms.append((time.perf_counter_ns() - before) * 1e-6)
    return Stored(len(items), time.perf_counter() - begin, tuple(each_ms))


def _values(corpus: Corpus, row: int) -> tuple[object, ...]:
    x, y = corpus.places[row].tolist()
    return (
        row.to_bytes(16, "big"), stamp_of(row), "language", float(corpus.totals[row]), x, y,
        corpus.text(row), corpus.codes[corpus.sentence[row]].tobytes(),
        corpus.vectors[row].tobytes(),
    )  # fmt: skip
