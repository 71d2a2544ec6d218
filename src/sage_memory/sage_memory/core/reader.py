"""Reads the store: fills the index from the rows, answers queries with whole records."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from sage_common.core.errors import InvalidInput
from sage_memory.core import placing
from sage_memory.core.asking import Asked, Found, close_but_declined, find, notes
from sage_memory.core.conditions import conditions, wanted
from sage_memory.core.database import begin_snapshot, data_version, naming
from sage_memory.core.encoded_vectors import decode
from sage_memory.core.errors import StoreDamaged
from sage_memory.core.example import example_meanings
from sage_memory.core.families import heads, summaries_of
from sage_memory.core.following import NEWEST_CHANGE, Follower
from sage_memory.core.index import VectorIndex, View
from sage_memory.core.index_cache import Facts, IndexCache, IndexCopy
from sage_memory.core.meaning import Meaning, alternatives, meanings
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.placing import Placed
from sage_memory.core.plain_query import PlainQuery
from sage_memory.core.reasons import reason
from sage_memory.core.recall import Answer, Query, Recalled
from sage_memory.core.row_source import RowSource
from sage_memory.core.rows import read_experience
from sage_memory.core.schema import ROLE_PERCEPT, experiences, meta, vectors
from sage_memory.core.search import Hit

NO_EMBEDDING = np.zeros(0, np.float32)
RECORDS = PlainQuery(lambda keys: select(experiences).where(experiences.c.number.in_(keys)))
PERCEPTS = PlainQuery(
    lambda keys: (
        select(vectors.c.experience_id, vectors.c.encoding, vectors.c.dim, vectors.c.vector)
        .join(experiences, experiences.c.id == vectors.c.experience_id)
        .where(
            experiences.c.number.in_(keys),
            vectors.c.encoder_id == experiences.c.encoder_id,
            vectors.c.role == ROLE_PERCEPT,
        )
    )
)
COUNT = select(func.count()).select_from(experiences)
CHECKSUMS = select(vectors.c.encoder_id, func.count(), func.sum(vectors.c.crc32)).group_by(
    vectors.c.encoder_id
)


class Captured(NamedTuple):
    """An index to be written to its cache, and how often that had been discarded before."""

    copy: IndexCopy
    losses: int


class Reader:
    """Answers from the rows; beside a writer of another process it follows what that commits.

    Args:
        path: the database file.
        engine: read-only connections to it.
        files: the payloads.

    Attributes:
        cache_refusal: why the index could not be written to its cache, empty: it could.
    """

    def __init__(self, path: Path, engine: Engine, files: PayloadFiles) -> None:
        self.index = VectorIndex()
        self.files = files
        self._path = path
        self._engine = engine
        self.cache_refusal = ""
        # an encrypted store has none: its vectors would lie there in the clear
        self._cache = None if files.sealed else IndexCache(files.folder.parent / "index")
        self._follower = Follower(self.index)
        self._follow_lock = threading.Lock()
        self._data_version = ""
        self._watch: Connection | None = None

    def load(self, *, owner: bool = False) -> None:
        """Fill the index, from its cache and newer rows, and check it against all rows.

        A cache that does not fit the rows is thrown away.

        Args:
            owner: this process writes the store, and its cache.

        Raises:
            StoreDamaged: the rows cannot be read, or the index does not equal them.
        """
        if owner and self._cache is not None:
            self.index.on_loss = self._cache.discard
        try:
            if self._cache is None or len(self.index) or not self._load_cache(self._cache):
                self.verify(follow=True)
        except TypeError as error:  # of a value that no row was written with
            raise StoreDamaged(self._path, f"a row is not what was written: {error}") from error

    def _load_cache(self, cache: IndexCache) -> bool:
        """Fill the index from its cache and newer rows; False: there is none that fits."""
        with self._follow_lock, self.snapshot() as connection:
            copy = cache.read()
            if copy is None or not fits(copy.facts, connection):
                return False
            self.index.adopt(copy)
            self._follower.stamp = copy.facts.stamp
            self._follower.catch_up(connection)
            if not self._difference(connection):
                return True
            self.index.clear()
            self._follower.stamp = None
            cache.rows = 0
            return False

    def build_graphs(self, threads: int = 1) -> None:
        """Build graphs of the large spaces and use them; takes minutes, others search meanwhile.

        Raises:
            OptionMissing: usearch is not installed.
            InvalidInput: the store is encrypted; a graph would hold its vectors in the clear.
            OSError: the disk is full.
        """
        if self._cache is None:
            raise InvalidInput("approximate", True, "False for an encrypted store")
        self.index.build_graphs(self._cache.folder, threads)

    def open_graphs(self) -> None:
        """Use the graphs that were built, as far as they are of the vectors that there are.

        Raises:
            OptionMissing: usearch is not installed.
        """
        if self._cache is not None:
            self.index.open_graphs(self._cache.folder)

    def capture(self) -> Captured | None:
        """What the cache is to be written from, if it is time to; between two commits."""
        if self._cache is None or not self._cache.due(len(self.index)):
            return None
        losses = self._cache.losses
        with self.snapshot() as connection:
            return Captured(self.index.copy(facts_of(connection)), losses)

    def write_cache(self, captured: Captured | None) -> None:
        """Write what was captured, from any thread; the store is none the worse if it fails."""
        if captured is not None and self._cache is not None:
            try:
                self._cache.write(*captured)
                self.cache_refusal = ""
            except OSError as error:
                self.cache_refusal = f"{self._cache.folder}: {error}"

    def verify(self, *, follow: bool) -> None:
        """Prove that the index holds the vectors of the rows: count and checksum per encoder.

        Args:
            follow: first take over what another process committed; False where this process
                is the writer, which adds to the index itself.

        Raises:
            StoreDamaged: it does not; starting again rebuilds it.
        """
        with self._follow_lock, self.snapshot() as connection:
            if follow:
                self._follower.catch_up(connection)
            difference = self._difference(connection)
            if difference:
                raise StoreDamaged(self._path, difference)

    def follow(self) -> None:
        """Take over what another process committed since the last look.

        Raises:
            StoreDamaged: the rows cannot be read.
            StoreUnreachable: the server stays away.
        """
        with self._follow_lock, naming(self._path):
            try:
                self._look()
            except DBAPIError as error:
                if self._watch is not None:
                    self._watch.close()
                    self._watch = None
                if not error.connection_invalidated:
                    raise
                self._look()  # on a fresh connection

    def _look(self) -> None:
        if self._watch is None:
            self._watch = self._engine.connect()
        version = data_version(self._watch)
        if version != self._data_version:
            begin_snapshot(self._watch)
            self._follower.catch_up(self._watch)
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
        return self.ask(query).answers

    def ask(self, query: Query) -> Recalled:
        """Answers to a checked query, and what there is to know about them."""
        view = self.index.view()  # before the first read: what it holds, the rows hold
        with self.snapshot() as connection:
            asked = self._asked(connection, view, query)
            hits, covering = self._of_families(connection, view, query, asked)
            declined = (
                close_but_declined(view, asked, query.limit, RowSource(connection))
                if query.with_declined
                else []
            )
            answers = self._answers(connection, view, query, hits, covering)
        return Recalled(answers, declined, notes(view, asked), asked.kept)

    def at(self, stamp_ns: int) -> Placed | None:
        """The experience nearest in time; None if none is kept."""
        view = self.index.view()
        row = placing.nearest(view, stamp_ns)
        return None if row is None else self._placed(view, row)

    def of_id(self, identifier: bytes) -> Placed | None:
        """The experience with this id; None if there is none, or it was forgotten."""
        view = self.index.view()
        wanted_row = select(experiences.c.number).where(experiences.c.id == identifier)
        with naming(self._path), self._engine.connect() as connection:
            number = connection.execute(wanted_row).scalar_one_or_none()
        row = None if number is None else placing.numbered(view, number)
        return None if row is None else self._placed(view, row)

    def close(self) -> None:
        """Close all connections."""
        if self._watch is not None:
            self._watch.close()
        self._engine.dispose()

    def _difference(self, connection: Connection) -> str:
        """How the index differs from the rows, in words; empty: it does not."""
        own, stored = self.index.checksums(), checksums(connection)
        count = int(connection.execute(COUNT).scalar_one())
        if len(self.index) != count:
            return f"index holds {len(self.index)} experiences, the rows say {count}"
        if not self.index.damaged and own != stored:
            return f"index holds {own}, the rows say {stored}"
        return ""

    def _placed(self, view: View, row: int) -> Placed:
        number = int(view.columns["number"][row])
        with naming(self._path), self._engine.connect() as connection:
            found = RECORDS.rows(connection, [number])[0]
            return placing.placed(view, row, read_experience(found, NO_EMBEDDING))

    def _asked(self, connection: Connection, view: View, query: Query) -> Asked:
        own = meanings(query)
        tried = conditions(view, query)
        fitting, kept = wanted(view, tried)
        excluded = -1
        choices: list[Meaning] = []
        if query.example_id:
            number, of_example = example_meanings(connection, query.example_id)
            known = placing.numbered(view, number)
            if known is not None:
                excluded = known
                fitting[known] = False
            own.append(of_example[0])
            choices = of_example[1:] if len(own) == 1 else []
        if own:
            choices = [own[0], *alternatives(query, own[0]), *choices]
        return Asked(own, choices, tried, fitting, kept, excluded)

    def _of_families(self, connection: Connection, view: View, query: Query, asked: Asked) -> Found:
        """Hits and what covers them; of a summary and what it covers only the best one."""
        source = RowSource(connection)
        summarised = bool(view.columns["covers"].any())
        limit = query.limit
        while True:
            hits = find(view, asked, limit, source)
            if not summarised:
                return Found(hits, {})
            ids = [view.columns["id"][hit.row].tobytes() for hit in hits]
            covering = summaries_of(connection, ids)
            if query.covered:
                return Found(hits, covering)
            first = [hits[place] for place in heads(ids, covering)]
            if len(first) >= query.limit or len(hits) < limit:
                return Found(first[: query.limit], covering)
            limit *= 2

    def _answers(
        self,
        connection: Connection,
        view: View,
        query: Query,
        hits: list[Hit],
        covering: dict[bytes, bytes],
    ) -> list[Answer]:
        numbers = [int(view.columns["number"][hit.row]) for hit in hits]
        rows = {row.number: row for row in RECORDS.rows(connection, numbers)}
        embeddings = _embeddings(connection, numbers) if query.with_embedding else {}
        answers = []
        for rank, (number, hit) in enumerate(zip(numbers, hits, strict=True), start=1):
            row = rows[number]
            identifier = bytes(row.id)
            experience = read_experience(row, embeddings.get(identifier, NO_EMBEDDING))
            path, note = self._payload(row.payload_sha256, row.payload_media_type)
            summary = covering.get(identifier, b"")
            why = reason(row, hit.score, hit.parts, summary)
            answers.append(Answer(experience, hit.score, why, path, note, rank, hit.parts, summary))
        return answers

    def _payload(self, sha256: str, media_type: str) -> tuple[Path | None, str]:
        if not sha256:
            return None, "no payload was kept"
        path = self.files.path(sha256, media_type)
        if path.exists():
            return path, ""
        return None, f"the payload is gone (let go to stay under the cap, or lost): {path}"


def facts_of(connection: Connection) -> Facts:
    """What a cache of the rows as they are must agree on."""
    known = {row.key: row.value for row in connection.execute(select(meta))}
    stamp = connection.execute(NEWEST_CHANGE).scalar_one() or 0
    return Facts(known["created_ns"], known["device_id"], int(stamp))


def fits(cached: Facts, connection: Connection) -> bool:
    """Whether a cache is of this store, and not of a later state of it."""
    own = facts_of(connection)
    of_it = (cached.created_ns, cached.device_id) == (own.created_ns, own.device_id)
    return of_it and cached.stamp <= own.stamp


def checksums(connection: Connection) -> dict[str, tuple[int, int]]:
    """Encoder id -> number of vectors, sum of their CRC-32, as the rows have it."""
    return {
        encoder_id: (count, int(crc)) for encoder_id, count, crc in connection.execute(CHECKSUMS)
    }


def _embeddings(connection: Connection, numbers: list[int]) -> dict[bytes, NDArray[np.float32]]:
    return {
        bytes(key): decode(encoding, dim, blob)
        for key, encoding, dim, blob in PERCEPTS.rows(connection, numbers)
    }
