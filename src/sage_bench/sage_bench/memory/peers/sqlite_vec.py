"""sqlite-vec: vectors in SQLite, compared one by one, beside a table of the moments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import apsw
import numpy as np
import sqlite_vec
from numpy.typing import NDArray

from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.inputs.condition import EVERYTHING, Condition
from sage_bench.memory.inputs.corpus import MODALITIES, Corpus, stamp_of
from sage_bench.memory.peers.peer import LIMIT, Search

SQLITE_VEC = "sqlite-vec"
BATCH = 1000
MOMENTS = """
CREATE TABLE moments (
    number INTEGER PRIMARY KEY, stamp_ns INTEGER, modality TEXT, source TEXT, total REAL,
    x REAL, y REAL, text TEXT, codes BLOB
);
CREATE INDEX by_stamp ON moments (stamp_ns);
CREATE INDEX by_total ON moments (total);
CREATE INDEX by_modality ON moments (modality, x, y);
"""
DATABASE = "memory.db"
INSERT_MOMENT = "INSERT INTO moments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_VECTOR = "INSERT INTO vectors (rowid, embedding) VALUES (?, ?)"


def opened(path: Path) -> apsw.Connection:
    """A database that syncs every commit, with the extension.

    It comes from apsw, since the SQLite of many Pythons loads no extensions.
    """
    connection = apsw.Connection(str(path))
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    connection.enable_load_extension(False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def create(connection: apsw.Connection, dim: int) -> None:
    """Its table of vectors, and that of the moments."""
    connection.execute(MOMENTS)
    connection.execute(
        f"CREATE VIRTUAL TABLE vectors USING vec0(embedding float[{dim}] distance_metric=cosine)"
    )


def insert(connection: apsw.Connection, corpus: Corpus, rows: range) -> None:
    """Moments of a corpus, within the caller's transaction."""
    connection.executemany(INSERT_MOMENT, (moment(corpus, row) for row in rows))
    connection.executemany(INSERT_VECTOR, ((row, corpus.vectors[row].tobytes()) for row in rows))


def moment(corpus: Corpus, row: int) -> tuple[object, ...]:
    """Values of a row of the moments."""
    x, y = corpus.places[row].tolist()
    return (
        row, stamp_of(row), MODALITIES[corpus.modalities[row]], "bench",
        float(corpus.totals[row]), x, y, corpus.text(row),
        corpus.codes[corpus.sentence[row]].tobytes(),
    )  # fmt: skip


class SqliteVecPeer:
    """Asked for whole rows; a filter is a subquery that names the rows to compare."""

    name = SQLITE_VEC
    most = float("inf")

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, corpus: Corpus) -> None:
        def build(folder: Path) -> None:
            connection = opened(folder / DATABASE)
            create(connection, corpus.vectors.shape[1])
            for rows in batches(len(corpus)):
                with connection:
                    insert(connection, corpus, rows)
            connection.close()

        self.made = kept_folder(self._folder, "sqlite_vec", corpus, build)
        self._connection = opened(self.made / DATABASE)

    def searches(self) -> Mapping[str, Search]:
        return {SQLITE_VEC: self._search}

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        return self.searches()

    def close(self) -> None:
        self._connection.close()

    def _search(self, vector: NDArray[np.float32], condition: Condition) -> list[int]:
        among, values = where(condition)
        nearest = self._connection.execute(
            f"SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = ?{among} ORDER BY distance",
            (vector.tobytes(), LIMIT, *values),
        ).fetchall()
        numbers = [int(number) for (number,) in nearest]
        marks = ",".join("?" * len(numbers))
        rows = self._connection.execute(
            f"SELECT * FROM moments WHERE number IN ({marks})", numbers
        ).fetchall()
        whole = {row[0]: row for row in rows}
        assert len(whole) == len(numbers)
        return numbers


def where(condition: Condition) -> tuple[str, list[object]]:
    """The condition as SQL, and its values; nothing for everything."""
    parts: list[str] = []
    values: list[object] = []
    if condition == EVERYTHING:
        return "", values
    if condition.rows is not None:
        parts.append("stamp_ns BETWEEN ? AND ?")
        values += [stamp_of(row) for row in condition.rows]
    if condition.least_total is not None:
        parts.append("total >= ?")
        values.append(condition.least_total)
    if condition.modality is not None:
        parts.append("modality = ?")
        values.append(MODALITIES[condition.modality])
    if condition.centre is not None:
        parts.append("(x - ?) * (x - ?) + (y - ?) * (y - ?) <= ?")
        x, y = condition.centre
        values += [x, x, y, y, condition.radius_m**2]
    chosen = f"SELECT number FROM moments WHERE {' AND '.join(parts)}"
    return f" AND rowid IN ({chosen})", values


def batches(size: int, length: int = BATCH) -> Iterator[range]:
    """Rows in groups."""
    for begin in range(0, size, length):
        yield range(begin, min(begin + length, size))
