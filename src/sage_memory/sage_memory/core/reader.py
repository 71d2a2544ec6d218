"""Reads the store: fills the index from the rows, answers queries with whole records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.engine import Connection, Engine

from sage_common.core.errors import InvalidInput
from sage_memory.core import placing, recall, schema
from sage_memory.core.database import begin_snapshot, data_version, naming
from sage_memory.core.errors import StoreDamaged
from sage_memory.core.identifiers import id_text
from sage_memory.core.index import COLUMNS, VectorIndex, VectorRow, View
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.placing import Placed
from sage_memory.core.recall import Answer, Hit, Probe, Query
from sage_memory.core.rows import read_experience
from sage_memory.core.schema import experiences, vectors

BATCH = 4096
REASON_WORDS = 60
NO_EMBEDDING = np.zeros(0, np.float32)


class Reader:
    """Answers from the rows; beside a writer of another process it follows what that commits.

    Args:
        path: the database file.
        engine: read-only connections to it.
        files: the payloads.
    """

    def __init__(self, path: Path, engine: Engine, files: PayloadFiles) -> None:
        self.index = VectorIndex()
        self.files = files
        self._path = path
        self._engine = engine
        self._follow_lock = threading.Lock()
        self._last_vector = 0
        self._data_version = ""
        self._watch: Connection | None = None

    def load(self) -> None:
        """Fill the index from the rows, and check it against them.

        Raises:
            StoreDamaged: the rows cannot be read, or the index does not equal them.
        """
        self.verify(follow=True)

    def verify(self, *, follow: bool) -> None:
        """Prove that the index holds the vectors of the rows: count and checksum per encoder.

        Args:
            follow: first take over what another process committed; False where this process
                is the writer, which adds to the index itself.

        Raises:
            StoreDamaged: it does not; starting again rebuilds it.
        """
        with self._follow_lock, naming(self._path), self._engine.connect() as connection:
            begin_snapshot(connection)
            if follow:
                self._append_new(connection)
            self._compare(connection)

    def follow(self) -> None:
        """Take over what another process committed since the last look."""
        with self._follow_lock, naming(self._path):
            if self._watch is None:
                self._watch = self._engine.connect()
            version = data_version(self._watch)
            if version != self._data_version:
                begin_snapshot(self._watch)
                self._append_new(self._watch)
                gone = select(experiences.c.number).where(experiences.c.forgotten_ns.is_not(None))
                self.index.forget(list(self._watch.execute(gone).scalars()))
                self._data_version = version
            self._watch.rollback()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees one moment, whatever is committed meanwhile."""
        with naming(self._path), self._engine.connect() as connection:
            begin_snapshot(connection)
            yield connection

    def recall(self, query: Query) -> list[Answer]:
        """Answers to a checked query, best first."""
        view = self.index.view()  # before the first read: what it holds, the rows hold
        with naming(self._path), self._engine.connect() as connection:
            meanings = recall.probes(query)
            excluded = -1
            if query.example_id:
                excluded, example = self._example(connection, query.example_id)
                meanings.append(example)
            hits = recall.search(view, query, meanings, excluded)
            return self._answers(connection, query, meanings, hits)

    def at(self, stamp_ns: int) -> Placed | None:
        """The experience nearest in time; None if none is kept."""
        view = self.index.view()
        row = placing.nearest(view, stamp_ns)
        return None if row is None else self._placed(view, row)

    def of_id(self, identifier: bytes) -> Placed | None:
        """The experience with this id; None if there is none, or it was forgotten."""
        view = self.index.view()
        wanted = select(experiences.c.number).where(experiences.c.id == identifier)
        with naming(self._path), self._engine.connect() as connection:
            number = connection.execute(wanted).scalar_one_or_none()
        row = None if number is None else placing.numbered(view, number)
        return None if row is None else self._placed(view, row)

    def _placed(self, view: View, row: int) -> Placed:
        number = int(view.columns["number"][row])
        wanted = select(experiences).where(experiences.c.number == number)
        with naming(self._path), self._engine.connect() as connection:
            found = connection.execute(wanted).one()
            return placing.placed(view, row, read_experience(found, NO_EMBEDDING))

    def close(self) -> None:
        """Close all connections."""
        if self._watch is not None:
            self._watch.close()
        self._engine.dispose()

    def _append_new(self, connection: Connection) -> None:
        known = self.index.view().columns["number"]
        last = int(known[-1]) if len(known) else 0
        columns = select(
            *(experiences.c[name] for name in COLUMNS if name != "alive"),
            experiences.c.forgotten_ns.is_(None).label("alive"),
        )
        newer = columns.where(experiences.c.number > last).order_by(experiences.c.number)
        for rows in connection.execute(newer).partitions(BATCH):
            self.index.add(rows, [])
        of_experience = vectors.join(experiences, experiences.c.id == vectors.c.experience_id)
        columns_of_vector = select(
            experiences.c.number,
            vectors.c.encoder_id,
            vectors.c.role,
            vectors.c.dim,
            vectors.c.crc32,
            vectors.c.vector,
            vectors.c.number,
        )
        newer_vectors = (
            columns_of_vector.select_from(of_experience)
            .where(vectors.c.number > self._last_vector)
            .order_by(vectors.c.number)
            .execution_options(yield_per=BATCH)
        )
        for batch in connection.execute(newer_vectors).partitions():
            self.index.add([], [VectorRow._make(row[:6]) for row in batch])
            self._last_vector = batch[-1][6]

    def _compare(self, connection: Connection) -> None:
        totals = select(vectors.c.encoder_id, func.count(), func.sum(vectors.c.crc32))
        rows = connection.execute(totals.group_by(vectors.c.encoder_id)).all()
        stored = {encoder_id: (count, int(crc)) for encoder_id, count, crc in rows}
        if not self.index.damaged and stored != self.index.checksums():
            raise StoreDamaged(
                self._path, f"index holds {self.index.checksums()}, the rows say {stored}"
            )

    def _example(self, connection: Connection, identifier: bytes) -> tuple[int, Probe]:
        found = connection.execute(
            select(experiences.c.number, vectors.c.encoder_id, vectors.c.vector)
            .join(vectors, vectors.c.experience_id == experiences.c.id)
            .where(experiences.c.id == identifier)
            .where(vectors.c.role == schema.ROLE_PERCEPT)
        ).one_or_none()
        if found is None:
            known = id_text(identifier) if len(identifier) == 16 else identifier.hex()
            raise InvalidInput("example_id", known, "an experience of this store")
        vector = np.frombuffer(found.vector, np.float32)
        return found.number, Probe(found.encoder_id, vector, "the example", True)

    def _answers(
        self, connection: Connection, query: Query, meanings: list[Probe], hits: list[Hit]
    ) -> list[Answer]:
        numbers = [hit.number for hit in hits]
        rows = {
            row.number: row
            for row in connection.execute(
                select(experiences).where(experiences.c.number.in_(numbers))
            )
        }
        embeddings = self._embeddings(connection, rows) if query.with_embedding else {}
        answers = []
        for hit in hits:
            row = rows[hit.number]
            experience = read_experience(row, embeddings.get(row.id, NO_EMBEDDING))
            path, note = self._payload(row.payload_sha256, row.payload_media_type)
            reason = _reason(row, meanings, hit)
            answers.append(Answer(experience, hit.score, reason, path, note))
        return answers

    def _embeddings(
        self, connection: Connection, rows: dict[int, Any]
    ) -> dict[bytes, NDArray[np.float32]]:
        wanted = select(vectors.c.experience_id, vectors.c.vector).where(
            vectors.c.experience_id.in_([row.id for row in rows.values()]),
            vectors.c.role == schema.ROLE_PERCEPT,
        )
        return {key: np.frombuffer(blob, np.float32) for key, blob in connection.execute(wanted)}

    def _payload(self, sha256: str, media_type: str) -> tuple[Path | None, str]:
        if not sha256:
            return None, "no payload was kept"
        path = self.files.path(sha256, media_type)
        if path.exists():
            return path, ""
        return None, f"the payload is gone (let go to stay under the cap, or lost): {path}"


def _reason(row: Any, meanings: list[Probe], hit: Hit) -> str:
    if not meanings:
        return (
            f"salience {hit.score:.2f}: {row.reason}" if row.reason else f"salience {hit.score:.2f}"
        )
    names = " and ".join(meaning.name for meaning in meanings)
    similar = f"similarity {hit.score:.2f} to {names}"
    if hit.role == schema.ROLE_WORDS:
        return f'heard around it: "{_cut(row.text)}"; {similar}'
    if row.text and row.modality == "language":
        return f'said: "{_cut(row.text)}"; {similar}'
    return f"{row.modality}: {similar}"


def _cut(text: str) -> str:
    return text if len(text) <= REASON_WORDS else text[: REASON_WORDS - 1] + "…"
