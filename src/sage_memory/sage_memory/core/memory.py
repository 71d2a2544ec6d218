"""The memory: remember, recall, and lose nothing that was acknowledged. No ROS needed.

with Memory.open(Path("/var/lib/sage")) as memory:
    kept = memory.remember(experience, Payload(webp, "image/webp")).wait()
    answers = memory.recall(Query(example_id=kept.id, min_salience=0.5))
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar, final

import numpy as np
from sqlalchemy.engine import Connection

from sage_common.core.clock import Clock, SystemClock
from sage_common.core.errors import InvalidInput
from sage_common.core.sections import Arrays
from sage_memory.core import interruption
from sage_memory.core.entities import Entity, evidence_of, learn, read, sources_of
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.experience import Experience, Payload
from sage_memory.core.forgetting import Forgotten, forget, pin
from sage_memory.core.opening import open_reader
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.placing import Placed
from sage_memory.core.reader import Reader
from sage_memory.core.recall import Answer, Query, Recalled, checked
from sage_memory.core.reembedding import Embedder, Reembedding
from sage_memory.core.sleep.night import Night, Progress
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.report import NightReport
from sage_memory.core.sleep.undo import Undone, undo_sleep
from sage_memory.core.statistics import Statistics, statistics_of
from sage_memory.core.storage import open_storage
from sage_memory.core.store import Limits, Store
from sage_memory.core.store_key import StoreKey
from sage_memory.core.verification import Finding, compare_index, inspect_rows
from sage_memory.core.writer import Ticket

Done = TypeVar("Done")


@final
class Memory:
    """Experiences of one device, in `home`; make it with `open`."""

    def __init__(self, reader: Reader, store: Store | None, clock: Clock) -> None:
        self._reader = reader
        self._store = store
        self._clock = clock
        self._closed = False

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        read_only: bool = False,
        clock: Clock | None = None,
        rng: np.random.Generator | None = None,
        device_id: str = "",
        limits: Limits | None = None,
        url: str = "",
        key: StoreKey | None = None,
    ) -> Memory:
        """Open the store in `home`, and make it if it is not there.

        Args:
            home: folder; `memory.db`, `memory.lock` and `payloads/` lie in it.
            read_only: only recall; any number of readers may be beside the one writer, and
                see what it commits.
            clock, rng: stamps and random bits of ids; the system's by default. Equal ones give
                equal ids (lock-step).
            device_id: 1 to 64 characters; empty: as the store says, or from the host's name.
            limits: queue and payload sizes.
            url: of a PostgreSQL database in place of `memory.db`:
                `postgresql+pg8000://user@host/database`; it holds one store a device. Its
                password comes from `PGPASSWORD` or the password file, never from here.
            key: of an encrypted store; `find_key` finds it.

        Raises:
            StoreLocked: another process writes it; its pid is named.
            StoreMissing: read only, and there is no store.
            StoreDamaged: the file is truncated or not a database; the mend is named.
            StoreTooNew: a later version wrote it.
            KeyMissing, KeyWrong, StoreNotEncrypted: the key is not that of the store.
            OptionMissing: encryption or PostgreSQL need a package that is not installed.
            StoreUnreachable, NotDurable: the server cannot be had, or would lose commits.
        """
        storage = open_storage(home, url, key, device_id)
        clock = clock or SystemClock()
        if read_only:
            return cls(open_reader(home, storage), None, clock)
        store = Store(
            home,
            storage,
            clock,
            rng if rng is not None else np.random.default_rng(),
            device_id,
            limits or Limits(),
        )
        return cls(store.reader, store, clock)

    def remember(
        self, experience: Experience, payload: Payload | None = None
    ) -> Ticket[Experience]:
        """Queue an experience and return at once; from any thread.

        `wait()` of the ticket returns the experience with its id after it was committed and
        synced: from then on it survives a kill and a power cut. A payload that cannot be kept
        (full disk, above the cap) is left out, counted, and its hash is empty.

        Raises:
            InvalidInput: a field is wrong, or an embedding has another size than its encoder's.
            MemoryBusy: the queue is full; nothing was kept.
            MemoryFailure: the memory is read-only or closed.
        """
        return self._writable().remember(experience, payload)

    def recall(self, query: Query) -> list[Answer]:
        """The best answers, best first; as many as asked for whenever so many exist.

        Raises:
            InvalidInput: names the field of the query, its value, and what was expected.
            StoreDamaged: a row cannot be read.
            MemoryFailure: the memory is closed.
        """
        return self.ask(query).answers

    def ask(self, query: Query) -> Recalled:
        """The same, with what came close and was declined, and what could not be compared."""
        recalled = self._current().ask(checked(query))
        if self._store is not None:
            for answer in recalled.answers:
                if answer.payload_path is not None:
                    self._store.touch(answer.experience.payload_sha256)
        return recalled

    def at(self, stamp_ns: int) -> Placed | None:
        """The experience nearest in time, of equally near ones the last; None if none is kept.

        Raises:
            StoreDamaged: a row cannot be read.
            MemoryFailure: the memory is closed.
        """
        return self._current().at(stamp_ns)

    def of_id(self, identifier: bytes) -> Placed | None:
        """The experience with this id (16 bytes); None if there is none, or it was forgotten.

        Raises:
            StoreDamaged: a row cannot be read.
            MemoryFailure: the memory is closed.
        """
        return self._current().of_id(identifier)

    def forget(self, identifiers: Sequence[bytes], reason: str) -> Ticket[Forgotten]:
        """Remove experiences (16 bytes each) for good, payloads too; tombstones stay.

        Raises:
            InvalidInput: none or too many ids, or too long a reason.
            MemoryFailure: the memory is read-only or closed. An unknown id fails the ticket.
        """
        return forget(self._writable(), identifiers, reason, self._clock.now_ns())

    def pin(self, identifier: bytes, pinned: bool) -> Ticket[None]:
        """Never consolidate an experience (16 bytes), nor let anything of it go; or again.

        Raises:
            MemoryFailure: the memory is read-only or closed. An unknown id fails the ticket.
        """
        return pin(self._writable(), identifier, pinned)

    def sleep(
        self,
        options: SleepOptions | None = None,
        progress: Progress = lambda _share, _stage: None,
        should_stop: Callable[[], bool] = lambda: False,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> NightReport:
        """Consolidate; remembering and recall go on meanwhile. A night cut off is continued.

        Args:
            progress: called after every step.
            should_stop: asked before every step; the night then ends early, and whole.
            elapsed_s: stopwatch for `max_duration_s`.

        Raises:
            InvalidInput: an option is wrong.
            NotStored: the disk refused; the next call goes on from there.
            MemoryFailure: the memory is read-only or closed.
        """
        night = (options or SleepOptions(), progress, should_stop, elapsed_s)
        return Night(self._writable(), self._clock, *night).sleep()

    def undo_sleep(self, night_id: bytes | None = None) -> Undone:
        """Take back the last night, or this one (16 bytes): all is as it was before.

        Raises:
            InvalidInput: no such night, a later one must be undone first, or its grace is over.
            MemoryFailure: the memory is read-only or closed.
        """
        return undo_sleep(self._writable(), night_id, self._clock.now_ns())

    def reembed(self, embedders: Sequence[Embedder]) -> Reembedding:
        """Work that gives what was kept with other encoders vectors of these; see there.

        Raises:
            MemoryFailure: the memory is read-only or closed.
        """
        return Reembedding(self._writable(), embedders)

    def inspect(self) -> list[Finding]:
        """Everything that is wrong with the store; takes minutes on a large one.

        Raises:
            MemoryFailure: the memory is closed.
        """
        files = self.payload_files
        found = compare_index(self.verify)
        return [*found, *self.read(lambda connection: inspect_rows(connection, files))]

    def checkpoint(self) -> None:
        """Wait until everything queued so far is on the disk.

        Raises:
            NotStored: the disk refused.
        """
        self._writable().flush()

    def verify(self) -> None:
        """Prove that the index equals the rows: count and checksum per encoder.

        Raises:
            StoreDamaged: it does not.
        """
        if self._store is not None:
            self._store.verify()
        else:
            self._reader.verify(follow=True)

    def statistics(self) -> Statistics:
        """Counts since start; only for the writer."""
        return statistics_of(self._writable())

    def leave(self) -> Arrays:
        """What a writer that is closed now and opened later needs to go on at the same instant.

        Raises:
            CannotContinue: experiences wait for their commit.
            MemoryFailure: the memory is read-only or closed.
        """
        return interruption.leave(self._writable())

    def take_up(self, left: Arrays) -> None:
        """Continue from `leave()` of the same store: with the ids and counts that would have come.

        Raises:
            InvalidInput: experiences have come or gone since.
            MemoryFailure: the memory is read-only or closed.
        """
        interruption.take_up(self._writable(), left)

    def learn_about(self, experience: Experience, half_life_s: float) -> Ticket[dict[str, Entity]]:
        """Let an experience count for the reputation of those that it is from or about.

        Raises:
            MemoryFailure: the memory is read-only or closed.
        """
        evidence = evidence_of(experience)
        told = [(name, evidence) for name in sources_of(experience)]
        return self._writable().change(lambda connection: learn(connection, told, half_life_s))

    def entities(self) -> dict[str, Entity]:
        """Sensors, speakers, devices and things that experiences were from or about, by name.

        Raises:
            StoreDamaged: a row cannot be read.
            MemoryFailure: the memory is closed.
        """
        return self.read(read)

    def payload(self, experience: Experience) -> tuple[bytes | None, str]:
        """The payload of an experience, its hash proven; or None, and why not, in words.

        Raises:
            MemoryFailure: the memory is closed.
        """
        files = self._current().files
        return files.checked(experience.payload_sha256, experience.payload_media_type)

    def set_pressure(self, level: int) -> None:
        """Use less of the payload cap when memory is tight: 0 green, 1 yellow, 2 red.

        What is above goes few by few, with `tend_payloads` and with payloads that come.

        Raises:
            InvalidInput: another level.
            MemoryFailure: the memory is read-only or closed.
        """
        if level not in (0, 1, 2):
            raise InvalidInput("level", level, "0, 1 or 2")
        self._writable().payloads.pressure = level

    def tend_payloads(self) -> Ticket[int] | None:
        """Let go of some payloads that are too old or above the cap; None if none need to.

        Raises:
            MemoryFailure: the memory is read-only or closed.
        """
        store, now_ns = self._writable(), self._clock.now_ns()
        if not store.payloads.due(now_ns):
            return None
        return store.change(
            lambda connection: store.payloads.tend(connection, now_ns),
            lambda _: store.payloads.bury(),
        )

    @property
    def payload_files(self) -> PayloadFiles:
        """Where payloads lie, sealed or not."""
        return self._current().files

    def read(self, action: Callable[[Connection], Done]) -> Done:
        """What `action` makes of the rows, all as they were at one moment.

        Raises:
            StoreDamaged: a row cannot be read.
            MemoryFailure: the memory is closed.
        """
        with self._current().snapshot() as connection:
            return action(connection)

    def change(self, action: Callable[[Connection], Done]) -> Ticket[Done]:
        """Run `action` in a transaction on the writer's thread, in its turn.

        For tools that open the memory, change rows, and close it: recalls through this object may
        not see the change.

        Raises:
            MemoryFailure: the memory is read-only or closed.
        """
        return self._writable().change(action)

    def close(self) -> None:
        """Commit what waits, then let go of the store. Calling it twice is fine."""
        if self._closed:
            return
        self._closed = True
        if self._store is not None:
            self._store.close()
            self._store = None
        else:
            self._reader.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _current(self) -> Reader:
        """The reader, aware of all that was committed."""
        if self._closed:
            raise MemoryFailure("this memory is closed")
        if self._store is None:
            self._reader.follow()
        return self._reader

    def _writable(self) -> Store:
        if self._store is None:
            raise MemoryFailure("this memory is read-only or closed: it cannot be written")
        return self._store
