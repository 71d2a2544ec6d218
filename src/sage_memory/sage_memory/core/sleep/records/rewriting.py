"""Rows that a run reads and rewrites, many at a time, in the caller's transaction."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BindParameter, bindparam, delete, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.plain_sql import PlainStatement
from sage_memory.core.engine.schema import ENCODING_INT8, experiences, vectors
from sage_memory.core.experience import DIMENSIONS
from sage_memory.core.index.index import VectorIndex
from sage_memory.core.rows.checksums import CONTENT, changed_crc32
from sage_memory.core.rows.encoded_vectors import decode, encode_int8
from sage_memory.core.rows.indexed import VectorRow
from sage_memory.core.rows.inserts import VECTORS, NewRows
from sage_memory.core.rows.rows import VECTOR_COLUMNS
from sage_memory.core.store.store import Store

Row = dict[str, Any]
BLANK: Row = {
    "codes": b"", "sketch": b"", "text": "", "reason": "", "context": None,
    "place_covariance": b"", "payload_sha256": "", "payload_media_type": "",
}  # fmt: skip
"""Columns that a run evicts, and what they are then."""
TOMBSTONE: Row = {
    "codes": b"", "sketch": b"", "text": "", "reason": "", "entity": "", "context": None,
    "place_frame": None, "place_x": None, "place_y": None, "place_z": None,
    "place_orientation": None, "place_covariance": None, "payload_sha256": "",
    "payload_media_type": "", "covers": 0, **dict.fromkeys((*DIMENSIONS, "total"), 0.0),
}  # fmt: skip
"""Content columns, and what they are in a tombstone."""
_NUMBERS: BindParameter[Any] = bindparam("numbers", expanding=True)
_OF_ALIVE = ("id", "number", "total", "pinned", "crc32", *CONTENT)
_ALIVE = PlainQuery(
    select(*(experiences.c[name] for name in _OF_ALIVE)).where(
        experiences.c.id.in_(KEYS), experiences.c.forgotten_ns.is_(None)
    )
)
_VECTORS = PlainQuery(
    select(vectors)
    .where(vectors.c.experience_id.in_(KEYS))
    .order_by(vectors.c.experience_id, vectors.c.number)
)


@dataclass
class Change:
    """What became of a transaction: for the counts, and for the index.

    Attributes:
        payloads, texts, quantised, removed, restored: experiences to which it happened.
        dropped: encoder id -> numbers of experiences that lost a vector of it.
        vectors: rows of vectors that are new, with `experience_number`.
        kept: rows of vectors that stay, though an experience of `dropped` lost another one of
            the same encoder.
        news: rows of summaries that are new.
        summaries: how many moments each new one covers.
        sketches: number of an experience -> its sums of blocks now; empty: without a puzzle.
        forgotten: numbers of experiences that are tombstones now.
        notes: what could not be done, in words.
    """

    payloads: int = 0
    texts: int = 0
    quantised: int = 0
    removed: int = 0
    restored: int = 0
    dropped: dict[str, list[int]] = field(default_factory=dict)
    vectors: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)
    news: NewRows = field(default_factory=lambda: NewRows([], [], []))
    summaries: list[int] = field(default_factory=list)
    sketches: dict[int, bytes] = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, number: int, lost: Sequence[Row], own: Sequence[Row]) -> None:
        """Note that the experience of a row number lost some of its own vectors."""
        encoders = {vector["encoder_id"] for vector in lost}
        gone = {(vector["encoder_id"], vector["role"]) for vector in lost}
        for encoder_id in sorted(encoders):
            self.dropped.setdefault(encoder_id, []).append(number)
        self.kept += [
            vector | {"experience_number": number}
            for vector in own
            if vector["encoder_id"] in encoders
            and (vector["encoder_id"], vector["role"]) not in gone
        ]


@dataclass
class Rewriting:
    """Changes of rows that are gathered, then made with few statements."""

    content: dict[int, Row] = field(default_factory=dict)
    clocks: list[tuple[bytes, str]] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)

    def set(self, row: Row, values: Mapping[str, Any]) -> None:
        """Set columns of content in a row of `alive_rows`, which gets them and its checksum."""
        if values:
            changed = dict(values) | {"crc32": changed_crc32(row, values)}
            row |= changed
            self.content[row["number"]] = self.content.get(row["number"], {}) | changed

    def blank(self, row: Row, names: Iterable[str]) -> None:
        """Set columns of such a row to their value in `BLANK`."""
        self.set(row, {name: BLANK[name] for name in names})

    def write(self, store: Store, connection: Connection, fresh: Sequence[Row]) -> None:
        """Make the changes; `fresh` are vectors to insert after the stale ones are gone."""
        alike: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        for number, values in self.content.items():
            names = tuple(sorted(values))
            alike.setdefault(names, []).append((*(values[name] for name in names), number))
        for names, rows in alike.items():
            _setting(names).run_many(connection, rows)
        if self.stale:
            stale = delete(vectors).where(vectors.c.number.in_(_NUMBERS))
            connection.execute(stale, {"numbers": self.stale})
        VECTORS.run(connection, [tuple(row[n] for n in VECTOR_COLUMNS) for row in fresh])
        store.set_clocks(connection, self.clocks)


@lru_cache
def _setting(names: tuple[str, ...]) -> PlainStatement:
    """Sets columns of the experience whose number comes last."""
    columns: list[tuple[Any, Any]] = [
        (experiences.c[name], bindparam(f"new_{name}")) for name in names
    ]
    own = update(experiences).where(experiences.c.number == bindparam("key"))
    return PlainStatement(own.ordered_values(*columns))


def alive_rows(connection: Connection, identifiers: Sequence[bytes]) -> dict[bytes, Row]:
    """What a run may change of the experiences that were not forgotten, by id."""
    found = _ALIVE.rows(connection, identifiers)
    return {row.id: dict(zip(_OF_ALIVE, row, strict=True)) for row in found}


def vectors_of(connection: Connection, identifiers: Iterable[bytes]) -> dict[bytes, list[Row]]:
    """Rows of the vectors of experiences, by id, in order."""
    names = vectors.columns.keys()
    rows: dict[bytes, list[Row]] = {}
    for row in _VECTORS.rows(connection, sorted(set(identifiers))):
        rows.setdefault(row.experience_id, []).append(dict(zip(names, row, strict=True)))
    return rows


def values_of(vector: Row) -> NDArray[np.float32]:
    """Float32 [dim] of a row of a vector.

    Raises:
        InvalidInput: its bytes cannot be one.
    """
    return decode(vector["encoding"], vector["dim"], vector["vector"])


def in_int8(vector: Row) -> Row:
    """The same vector as a row in encoding `i8`, without a number."""
    blob = vector["vector"]
    if vector["encoding"] != ENCODING_INT8:
        (blob,) = encode_int8(values_of(vector)[None])
    changed = {"encoding": ENCODING_INT8, "crc32": zlib.crc32(blob), "vector": blob}
    return {name: value for name, value in vector.items() if name != "number"} | changed


def cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Cosine of the angle between two vectors; 0 if one has no length."""
    lengths = math.sqrt(float(one @ one) * float(other @ other))
    return float(one @ other) / lengths if lengths else 0.0


def update_index(index: VectorIndex, change: Change) -> None:
    """Take a committed change over into the index."""
    for encoder_id, numbers in change.dropped.items():
        index.drop_vectors(numbers, encoder_id)
    fresh = [
        VectorRow._make(
            row["experience_number" if name == "number" else name] for name in VectorRow._fields
        )
        for row in [*change.kept, *change.vectors]
    ]
    news = change.news
    index.add(news.experiences, [*news.vectors, *fresh], news.labels)
    numbers_of: dict[bytes, list[int]] = {}
    for number, sketch in change.sketches.items():
        numbers_of.setdefault(sketch, []).append(number)
    for sketch, numbers in numbers_of.items():
        index.update_all(numbers, sketch=sketch)
    if change.forgotten:
        index.forget(change.forgotten)
