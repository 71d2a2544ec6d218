"""The writing side: one process, one thread, one transaction for all that belongs together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from sage_common.core.clock import Clock
from sage_common.core.home import make_private, sync_folder
from sage_memory.core.device import device_name
from sage_memory.core.engine import schema
from sage_memory.core.engine.database import cause, check_schema, migrate, naming
from sage_memory.core.engine.errors import ConnectionLost, StoreUnreachable
from sage_memory.core.engine.lock import WriterLock
from sage_memory.core.errors import MemoryFailure, NotStored, StoreDamaged, StoreNotWritable
from sage_memory.core.experience import Experience, Payload, changed, check_payload, checked
from sage_memory.core.identifiers import IdentifierFactory
from sage_memory.core.labels.packing import Recognised, pack_labels
from sage_memory.core.limits import Limits
from sage_memory.core.payloads import PayloadCache, PayloadFiles
from sage_memory.core.recall.reader import Reader
from sage_memory.core.rows.clocks import RowClocks, newest_stamp
from sage_memory.core.rows.entries import Entry, admitted, stored
from sage_memory.core.rows.inserts import NewRows, insert_new
from sage_memory.core.rows.rows import Packed, pack
from sage_memory.core.store.access_log import AccessLog
from sage_memory.core.store.leftovers import set_aside_payloads
from sage_memory.core.store.modality_facts import (
    merged_instances,
    save_instances,
    stored_instances,
)
from sage_memory.core.store.storage import Storage
from sage_memory.core.store.writer import Done, Future, GroupCommitter
from sage_memory.core.store.writer_connection import WriterConnection

GROUP_SIZE = 256
NEWEST = (
    select(schema.experiences.c.number, schema.experiences.c.id)
    .order_by(schema.experiences.c.number.desc())
    .limit(1)
)

LARGEST_ID = select(schema.experiences.c.id).order_by(schema.experiences.c.id.desc()).limit(1)
"""PostgreSQL has no max() of bytes."""


class Store:
    """The one writer of a store. See `Memory` for the public face.

    Raises:
        StoreLocked, StoreDamaged, StoreTooNew, StoreNotWritable: the store cannot be opened.
    """

    def __init__(
        self,
        home: Path,
        storage: Storage,
        clock: Clock,
        rng: np.random.Generator,
        device_id: str,
        limits: Limits,
        instances: Sequence[str] = (),
    ) -> None:
        self.path = storage.place
        self._storage = storage
        try:
            make_private(home)
        except OSError as error:
            raise StoreNotWritable(self.path, str(error.strerror)) from error
        self._lock = WriterLock(home / "memory.lock", self.path)
        try:
            self._open(home, clock, rng, device_id, limits, instances)
        except BaseException:
            self._lock.close()
            raise

    def _open(
        self,
        home: Path,
        clock: Clock,
        rng: np.random.Generator,
        device_id: str,
        limits: Limits,
        instances: Sequence[str],
    ) -> None:
        self._clock = clock
        try:
            if not self._storage.exists():
                set_aside_payloads(home, clock)
                with suppress(PermissionError):  # of who made the home folder, and not this user
                    sync_folder(home.parent)  # who was killed before may not have come to it
            self._storage.create(device_id or device_name(), clock)
        except OSError as error:
            raise StoreNotWritable(self.path, str(error.strerror)) from error
        self._storage.check()
        engine = self._storage.open_writer()
        migrate(engine, self.path)
        self._connection = WriterConnection(self._storage, engine, self._catch_up)
        self.payloads = PayloadCache(
            PayloadFiles(home / "payloads", self._storage.seal),
            limits.payload_cap_bytes,
            limits.min_free_bytes,
            limits.payload_rules,
        )
        connection = self._connection.rows
        with naming(self.path), connection.begin():
            facts = check_schema(connection, self.path)
            instances = merged_instances(stored_instances(facts), instances)
            save_instances(connection, facts, instances)
            self.durability = self._storage.durability(connection)
            self.payloads.load(connection)
            newest = connection.execute(NEWEST).one_or_none()
            if newest is not None and newest.id is None:
                raise StoreDamaged(self.path, f"experience {newest.number} has no id")
            largest = bytes(connection.execute(LARGEST_ID).scalar_one_or_none() or b"")
            last = max(int(facts["clock"]), newest_stamp(connection))
            connection.info["known"] = True
        self.device_id = device_id or facts["device_id"]
        self._clocks = RowClocks(clock, last, self.device_id)
        self._next_number = newest.number + 1 if newest else 1
        salt = self.device_id.encode() + (bytes(newest.id) if newest else b"")
        self._ids = IdentifierFactory(clock, rng, salt, largest)
        self.reader = Reader(self.path, self._storage.open_reader(), self.payloads.files, instances)
        self.reader.load(owner=True)
        self._uses = AccessLog(self.payloads, clock)
        self.committer = GroupCommitter(self._commit, limits.queue_size, GROUP_SIZE)
        self.swept = 0
        self.committer.run(self._sweep)

    def remember(
        self,
        experience: Experience,
        payload: Payload | None,
        recognised: Sequence[Recognised] = (),
    ) -> Future[Experience]:
        """Queue an experience; see `Memory.remember`."""
        proven = checked(experience)
        labels = pack_labels(recognised)
        if payload is not None:
            check_payload(payload)
        self.reader.index.claim_dimension(proven.encoder_id, "embedding", proven.embedding.size)
        if proven.text_embedding is not None:
            self.reader.index.claim_dimension(
                proven.text_encoder_id, "text_embedding", proven.text_embedding.size
            )

        packed = pack(proven, labels)

        def enter() -> Entry:
            return Entry(self._named(proven), packed, self._clocks.tick(), payload)

        return self.committer.submit(enter)

    def change(
        self, action: Callable[[Connection], Done], then: Callable[[Done], None] | None = None
    ) -> Future[Done]:
        """Run `action` in a transaction of its own on the writer's thread, in its turn.

        The index does not hear of it: whoever changes what the index holds updates it in `then`,
        which runs on the same thread after the commit.
        """

        def run() -> Done:
            try:
                with self._transaction() as connection:
                    done = action(connection)
            except BaseException:
                with self._transaction() as connection:
                    self.payloads.load(connection)  # its rows were rolled back
                raise
            if then is not None:
                then(done)
            return done

        return self.committer.run(run)

    def name(self, experience: Experience) -> Experience:
        """The experience, proven, with an id and this device; for what the store makes itself."""
        return self._named(checked(changed(experience, id=b"")))

    def insert(
        self, connection: Connection, named: Sequence[Experience], packed: Sequence[Packed]
    ) -> NewRows:
        """Insert experiences made by `name`, within `change`; the index gets what this returns."""
        stamps = [self._clocks.tick() for _ in named]
        rows = insert_new(connection, self.next_numbers(len(named)), named, packed, stamps)
        self._clocks.save(connection)
        return rows

    def new_identifier(self) -> bytes:
        """A fresh id, 16 bytes."""
        return self._ids.next()

    @property
    def identifiers(self) -> IdentifierFactory:
        """Makes the ids."""
        return self._ids

    def next_numbers(self, count: int) -> range:
        """Row numbers for new experiences; only on the writer's thread, within `change`."""
        first = self._next_number
        self._next_number += count  # of a transaction that fails they stay unused
        return range(first, first + count)

    def compact(self) -> Future[int]:
        """Give the space of what was removed back to the disk; the future gives the bytes."""
        return self.committer.run(self.compact_now)

    def compact_now(self) -> int:
        """The same, only on the writer's thread."""
        with self._transaction() as connection:  # nothing begins before the first change
            return self._storage.compact(connection)

    def try_disk(self) -> None:
        """Where the newest commit failed, write what changes nothing, and the failure is over."""

        def took(_: None) -> None:
            self.committer.failing = False
            self.payloads.last_refusal = ""  # of the same disk

        if self.committer.failing:
            with suppress(MemoryFailure):  # it goes on
                self.change(self._clocks.save, took).result()

    def touch(self, sha256: str) -> None:
        """Note that a payload was asked for; written with the next commit."""
        self._uses.take(sha256)

    def flush(self) -> None:
        """Wait until everything queued so far, and every note of use, is on the disk.

        The index goes to its cache as well, if much is new in it.

        Raises:
            NotStored: the disk refused.
        """
        self.committer.run(self._write_uses).result()
        self.reader.write_cache(self.committer.run(self.reader.capture).result())

    def verify(self) -> None:
        """Prove that the index equals the rows, between two commits."""
        self.committer.run(lambda: self.reader.verify(follow=False)).result()

    def close(self) -> None:
        """Commit what waits, close the files, release the store; the latter after any error."""
        with ExitStack() as closing:
            for close in (
                self._lock.close,
                self._connection.close,
                self.reader.close,
                self.committer.close,
            ):
                closing.callback(close)  # the last one is called first
            with suppress(NotStored):  # notes of use are hints, not worth a failed stop
                self.flush()

    def _named(self, proven: Experience) -> Experience:
        return changed(
            proven,
            id=self._ids.next(),
            device_id=self.device_id,
            schema_version=schema.SCHEMA_VERSION,
        )

    def _transaction(self) -> AbstractContextManager[Connection]:
        """A transaction of the writer; only on its thread. Its errors: see there."""
        return self._connection.transaction()

    def _catch_up(self, connection: Connection) -> None:
        newest = connection.execute(NEWEST).one_or_none()
        self._next_number = newest.number + 1 if newest else 1
        self.payloads.load(connection)
        self.reader.load()

    def _commit(self, entries: Sequence[Entry]) -> list[Experience]:
        try:
            return self._write(entries)
        except ConnectionLost:
            return self._kept(entries) or self._write(entries)

    def _kept(self, entries: Sequence[Entry]) -> list[Experience]:
        with self._transaction() as connection:
            found = stored(connection, entries)
        if found:
            self.payloads.delete_removed()
        return found

    def _write(self, entries: Sequence[Entry]) -> list[Experience]:
        try:
            with self._transaction() as connection:
                numbers = range(self._next_number, self._next_number + len(entries))
                kept = [admitted(connection, e, self.payloads, self._clock) for e in entries]
                packed = [entry.packed for entry in entries]
                stamps = [entry.stamp for entry in entries]
                rows = insert_new(connection, numbers, kept, packed, stamps)
                self._clocks.save(connection)
                self._uses.write(connection)
        except StoreUnreachable:
            raise  # whoever connects again looks at the rows
        except BaseException as error:
            with self._transaction() as connection:
                self.payloads.load(connection)  # its rows were rolled back
            if isinstance(error, OperationalError):  # the disk is to blame, not an experience
                raise NotStored(cause(error)) from error
            raise
        self._next_number = numbers.stop
        self.payloads.delete_removed()
        self.reader.index.add(*rows)
        return kept

    def set_clock(self, connection: Connection, identifier: bytes, field: str) -> None:
        """Stamp a change of one of `schema.MUTABLE_FIELDS`, in the transaction that makes it."""
        self._clocks.set(connection, [(identifier, field)])

    def set_clocks(self, connection: Connection, changed: Sequence[tuple[bytes, str]]) -> None:
        """The same for many pairs of an experience's id and a field."""
        self._clocks.set(connection, changed)

    def _write_uses(self) -> None:
        with self._transaction() as connection:
            self._uses.write(connection)

    def _sweep(self) -> None:
        with self._transaction() as connection:
            known = connection.execute(select(schema.payloads.c.sha256)).scalars().all()
        self.swept = self.payloads.files.sweep(known)
