"""The writing side: one process, one thread, one transaction for all that belongs together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from sage_common.core.clock import Clock
from sage_memory.core import schema
from sage_memory.core.database import cause, check_schema, migrate, naming, refused, upsert
from sage_memory.core.device import device_name
from sage_memory.core.errors import DiskRefuses, NotStored, StoreDamaged, StoreNotWritable
from sage_memory.core.experience import Experience, Payload, changed, check_payload, checked
from sage_memory.core.identifiers import IdentifierFactory
from sage_memory.core.lock import WriterLock
from sage_memory.core.logical_clock import LogicalClock
from sage_memory.core.new_rows import NewRows, insert_new
from sage_memory.core.option_errors import ConnectionLost, StoreUnreachable
from sage_memory.core.payloads import PayloadCache, PayloadFiles, PayloadRules
from sage_memory.core.plain_sql import PlainStatement
from sage_memory.core.reader import Reader
from sage_memory.core.remains import set_aside_payloads
from sage_memory.core.rows import Packed, pack
from sage_memory.core.storage import Storage
from sage_memory.core.writer import Done, GroupCommitter, Ticket

GROUP_SIZE = 256
SAVE_FACT = PlainStatement(
    update(schema.meta)
    .where(schema.meta.c.key == bindparam("fact"))
    .values(value=bindparam("newest"))
)

NEWEST = (
    select(schema.experiences.c.number, schema.experiences.c.id)
    .order_by(schema.experiences.c.number.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Limits:
    """How much the store may take.

    Attributes:
        queue_size: experiences that may wait for the disk.
        payload_cap_bytes: most bytes of all payloads together.
        min_free_bytes: payloads are refused when the disk would have less left.
        payload_rules: when payloads go although there is room.
        approximate: use the graphs of near neighbours that `Memory.build_graphs` has built.
    """

    queue_size: int = 256
    payload_cap_bytes: int = 500_000_000
    min_free_bytes: int = 200_000_000
    payload_rules: PayloadRules = field(default_factory=PayloadRules)
    approximate: bool = False


class _Entry(NamedTuple):
    """An experience with id, its blobs, its clock stamp, and its payload."""

    experience: Experience
    packed: Packed
    stamp: int
    payload: Payload | None


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
    ) -> None:
        self.path = storage.place
        self._storage = storage
        try:
            home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreNotWritable(self.path, str(error.strerror)) from error
        self._lock = WriterLock(home / "memory.lock", self.path)
        try:
            self._open(home, clock, rng, device_id, limits)
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
    ) -> None:
        self._clock = clock
        if not self._storage.exists():
            set_aside_payloads(home, clock)
        self._storage.create(device_id or device_name(), clock)
        self._storage.check()
        self._engine = self._storage.open_writer()
        migrate(self._engine, self.path)
        self._connection = self._engine.connect()  # of the writer's thread, once that runs
        self.payloads = PayloadCache(
            PayloadFiles(home / "payloads", self._storage.seal),
            limits.payload_cap_bytes,
            limits.min_free_bytes,
            limits.payload_rules,
        )
        connection = self._connection
        with naming(self.path), connection.begin():
            facts = check_schema(connection, self.path)
            self.durability = self._storage.durability(connection)
            self.payloads.load(connection)
            newest = connection.execute(NEWEST).one_or_none()
            if newest is not None and newest.id is None:
                raise StoreDamaged(self.path, f"experience {newest.number} has no id")
            connection.info["known"] = True
        self.device_id = device_id or facts["device_id"]
        self._stamps = LogicalClock(clock, int(facts["clock"]))
        self._next_number = newest.number + 1 if newest else 1
        salt = self.device_id.encode() + (bytes(newest.id) if newest else b"")
        self._ids = IdentifierFactory(clock, rng, salt)
        self.reader = Reader(self.path, self._storage.open_reader(), self.payloads.files)
        self.reader.load(owner=True)
        if limits.approximate:
            self.reader.open_graphs()
        self._used: dict[str, int] = {}
        self._used_lock = threading.Lock()
        self.committer = GroupCommitter(self._commit, limits.queue_size, GROUP_SIZE)
        self.swept = 0
        self.committer.run(self._sweep)

    def remember(self, experience: Experience, payload: Payload | None) -> Ticket[Experience]:
        """Queue an experience; see `Memory.remember`."""
        proven = checked(experience)
        if payload is not None:
            check_payload(payload)
        self.reader.index.claim_dimension(proven.encoder_id, "embedding", proven.embedding.size)
        if proven.text_embedding is not None:
            self.reader.index.claim_dimension(
                proven.text_encoder_id, "text_embedding", proven.text_embedding.size
            )

        packed = pack(proven)

        def enter() -> _Entry:
            return _Entry(self._named(proven), packed, self._stamps.tick(), payload)

        return self.committer.submit(enter)

    def change(
        self, action: Callable[[Connection], Done], then: Callable[[Done], None] | None = None
    ) -> Ticket[Done]:
        """Run `action` in a transaction of its own on the writer's thread, in its turn.

        The index does not hear of it: whoever changes what the index holds tells it in `then`,
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
        stamps = [self._stamps.tick() for _ in named]
        return insert_new(connection, self.next_numbers(len(named)), named, packed, stamps)

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

    def compact(self) -> Ticket[int]:
        """Give the space of what was removed back to the disk; the ticket tells the bytes."""
        return self.committer.run(self.compact_now)

    def compact_now(self) -> int:
        """The same, only on the writer's thread."""
        with self._transaction() as connection:  # nothing begins before the first change
            return self._storage.compact(connection)

    def touch(self, sha256: str) -> None:
        """Note that a payload was asked for; written with the next commit."""
        with self._used_lock:
            self._used[sha256] = self._clock.now_ns()

    def flush(self) -> None:
        """Wait until everything queued so far, and every note of use, is on the disk.

        The index goes to its cache as well, if much is new in it.

        Raises:
            NotStored: the disk refused.
        """
        self.committer.run(self._write_used).wait()
        self.reader.write_cache(self.committer.run(self.reader.capture).wait())

    def verify(self) -> None:
        """Prove that the index equals the rows, between two commits."""
        self.committer.run(lambda: self.reader.verify(follow=False)).wait()

    def close(self) -> None:
        """Commit what waits, close the files, let go of the store."""
        with suppress(NotStored):  # notes of use are hints, not worth a failed stop
            self.flush()
        self.committer.close()
        self.reader.close()
        self._connection.close()
        self._engine.dispose()
        self._lock.close()

    def _named(self, proven: Experience) -> Experience:
        return changed(
            proven,
            id=self._ids.next(),
            device_id=self.device_id,
            schema_version=schema.SCHEMA_VERSION,
        )

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction of the writer; only on its thread.

        On a connection that took the place of a lost one it first looks what the server kept of
        the transaction that was lost.

        Raises:
            ConnectionLost: now; whether the transaction was kept is not known.
            StoreUnreachable: the server stays away.
            StoreReplaced: another file is in the place of the open one; nothing is acknowledged.
        """
        self._storage.prove_in_place()
        try:
            connection = self._connection
            with connection.begin():
                if not connection.info.get("known"):
                    self._catch_up(connection)
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated:
                raise ConnectionLost(self.path, cause(error)) from error
            if refused(cause(error)):
                raise DiskRefuses(self.path, cause(error)) from error
            raise
        self._storage.prove_in_place()

    def _catch_up(self, connection: Connection) -> None:
        newest = connection.execute(NEWEST).one_or_none()
        self._next_number = newest.number + 1 if newest else 1
        self.payloads.load(connection)
        self.reader.load()
        connection.info["known"] = True

    def _commit(self, entries: Sequence[_Entry]) -> list[Experience]:
        try:
            return self._write(entries)
        except ConnectionLost:
            return self._kept(entries) or self._write(entries)

    def _kept(self, entries: Sequence[_Entry]) -> list[Experience]:
        """The experiences of a group whose commit was not answered; empty if it was not kept."""
        columns = schema.experiences.c
        wanted = select(columns.id, columns.payload_sha256, columns.payload_media_type).where(
            columns.id.in_([entry.experience.id for entry in entries])
        )
        with self._transaction() as connection:
            found = {row.id: row for row in connection.execute(wanted)}
        if not found:
            return []
        self.payloads.bury()
        return [
            changed(
                entry.experience,
                payload_sha256=found[entry.experience.id].payload_sha256,
                payload_media_type=found[entry.experience.id].payload_media_type,
            )
            for entry in entries
        ]

    def _write(self, entries: Sequence[_Entry]) -> list[Experience]:
        try:
            with self._transaction() as connection:
                numbers = range(self._next_number, self._next_number + len(entries))
                kept = [self._admit(connection, entry) for entry in entries]
                packed = [entry.packed for entry in entries]
                stamps = [entry.stamp for entry in entries]
                rows = insert_new(connection, numbers, kept, packed, stamps)
                self._save_clock(connection)
                self._write_used_to(connection)
        except StoreUnreachable:
            raise  # whoever connects again looks at the rows
        except BaseException as error:
            with self._transaction() as connection:
                self.payloads.load(connection)  # its rows were rolled back
            if isinstance(error, OperationalError):  # the disk is to blame, not an experience
                raise NotStored(cause(error)) from error
            raise
        self._next_number = numbers.stop
        self.payloads.bury()
        self.reader.index.add(*rows)
        return kept

    def _admit(self, connection: Connection, entry: _Entry) -> Experience:
        if entry.payload is None:
            return entry.experience
        admission = self.payloads.admit(
            connection, entry.payload, self._clock.now_ns(), entry.experience.pinned
        )
        return changed(
            entry.experience,
            payload_sha256=admission.sha256,
            payload_media_type=entry.payload.media_type if admission.sha256 else "",
        )

    def set_clock(self, connection: Connection, identifier: bytes, field: str) -> None:
        """Stamp a change of one of `schema.MUTABLE_FIELDS`, in the transaction that makes it."""
        self.set_clocks(connection, [(identifier, field)])

    def set_clocks(self, connection: Connection, changed: Sequence[tuple[bytes, str]]) -> None:
        """The same for many pairs of an experience's id and a field."""
        if not changed:
            return
        rows = [
            {
                "experience_id": identifier,
                "field": field,
                "stamp": self._stamps.tick(),
                "device_id": self.device_id,
            }
            for identifier, field in changed
        ]
        entry = upsert(connection, schema.clocks)
        newer = {name: entry.excluded[name] for name in ("stamp", "device_id")}
        keys = [schema.clocks.c.experience_id, schema.clocks.c.field]
        connection.execute(entry.on_conflict_do_update(index_elements=keys, set_=newer), rows)
        self._save_clock(connection)

    def _save_clock(self, connection: Connection) -> None:
        newest = str(self._stamps.last)  # maybe of an entry still queued: never behind a row
        SAVE_FACT.run(connection, (newest, "clock"))

    def _write_used(self) -> None:
        with self._transaction() as connection:
            self._write_used_to(connection)

    def _write_used_to(self, connection: Connection) -> None:
        with self._used_lock:
            used, self._used = self._used, {}
        if used:
            self.payloads.touch(connection, used)

    def _sweep(self) -> None:
        with self._transaction() as connection:
            known = connection.execute(select(schema.payloads.c.sha256)).scalars().all()
        self.swept = self.payloads.files.sweep(known)
