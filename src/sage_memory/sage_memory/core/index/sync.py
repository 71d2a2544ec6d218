"""The index of a store: filled at start, checked, kept in step with the rows, and cached."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import event, func, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from sage_memory.core.engine.database import begin_snapshot, data_version, naming
from sage_memory.core.engine.plain_query import UNDECODED, replacing
from sage_memory.core.engine.schema import experiences, labels, meta, vectors, vocabularies
from sage_memory.core.engine.snapshots import Snapshots
from sage_memory.core.errors import StoreDamaged
from sage_memory.core.index.cache import Facts, IndexCache, IndexCopy
from sage_memory.core.index.change_feed import Follower
from sage_memory.core.index.index import VectorIndex
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.rows.clocks import NEWEST_CHANGE

COUNT = select(func.count()).select_from(experiences)
CHECKSUMS = select(vectors.c.encoder_id, func.count(), func.sum(vectors.c.crc32)).group_by(
    vectors.c.encoder_id
)

OF_VOCABULARIES = (
    select(labels.c.vocabulary, func.count().label("count"), func.sum(labels.c.crc32).label("crc"))
    .group_by(labels.c.vocabulary)
    .subquery()
)
LABEL_CHECKSUMS = select(
    vocabularies.c.model_id, OF_VOCABULARIES.c.count, OF_VOCABULARIES.c.crc
).join(OF_VOCABULARIES, OF_VOCABULARIES.c.vocabulary == vocabularies.c.number)


class Captured(NamedTuple):
    """An index to be written to its cache, and how often that had been discarded before."""

    copy: IndexCopy
    losses: int


class Sums(NamedTuple):
    """What an index of the rows must agree on.

    Attributes:
        experiences: how many there are.
        vectors: encoder id -> number of vectors, sum of their CRC-32.
        labels: model id -> number of experiences labelled, sum of their CRC-32.
    """

    experiences: int
    vectors: dict[str, tuple[int, int]]
    labels: dict[str, tuple[int, int]]


class IndexSync:
    """The index of a store, in step with its rows, whoever writes them.

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
        self._snapshots = Snapshots(engine)
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
            self._fill()
        except StoreDamaged as error:
            if UNDECODED not in error.detail:
                raise
            self._take_any_text()
            self._fill()

    def _fill(self) -> None:
        try:
            if self._cache is None or len(self.index) or not self._load_cache(self._cache):
                self.verify(follow=True)
        except (TypeError, ValueError) as error:  # of a value that no row has
            raise StoreDamaged(self._path, f"a row is not what was written: {error}") from error

    def _take_any_text(self) -> None:
        """Begin anew, and let no text fail: whoever answers with its row checks that."""
        event.listen(self._engine, "connect", _replace_text)
        self._snapshots.close()
        self._engine.dispose()
        self._snapshots = Snapshots(self._engine)
        self.index.clear()
        self._follower.stamp = None

    def _load_cache(self, cache: IndexCache) -> bool:
        """Fill the index from its cache and newer rows; False: there is none that fits."""
        if not cache.exists():
            return False
        with self._follow_lock, self.snapshot() as connection:
            with ThreadPoolExecutor(1) as beside:
                reading = beside.submit(cache.read)
                sums = sums_of(connection)
                copy = reading.result()
            if copy is None or not fits(copy.facts, connection):
                return False
            self.index.adopt(copy)
            self._follower.stamp = copy.facts.stamp
            self._follower.catch_up(connection)
            if not self._difference(sums):
                return True
            self.index.clear()
            self._follower.stamp = None
            cache.rows = 0
            return False

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
            difference = self._difference(sums_of(connection))
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
        with naming(self._path), self._snapshots.one() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        if self._watch is not None:
            self._watch.close()
        self._snapshots.close()
        self._engine.dispose()

    def _difference(self, rows: Sums) -> str:
        """How the index differs from the rows, in words; empty: it does not."""
        own, labelled = self.index.checksums(), self.index.label_checksums()
        if len(self.index) != rows.experiences:
            return f"index holds {len(self.index)} experiences, the rows say {rows.experiences}"
        if not self.index.damaged and own != rows.vectors:
            return f"index holds {own}, the rows say {rows.vectors}"
        if not self.index.damaged and labelled != rows.labels:
            return f"index holds labels {labelled}, the rows say {rows.labels}"
        return ""


def _replace_text(connection: Any, _record: object) -> None:
    connection.text_factory = replacing


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


def sums_of(connection: Connection) -> Sums:
    """The sums of the rows as they are."""
    vectors_of, labels_of = (
        {name: (count, int(crc)) for name, count, crc in connection.execute(wanted)}
        for wanted in (CHECKSUMS, LABEL_CHECKSUMS)
    )
    return Sums(int(connection.execute(COUNT).scalar_one()), vectors_of, labels_of)
