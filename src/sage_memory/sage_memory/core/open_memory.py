"""An open memory: its store, its reading side, and the rows below both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
from sqlalchemy.engine import Connection

from sage_common.core.clock import Clock, SystemClock
from sage_common.core.errors import InvalidInput
from sage_common.core.home import no_file
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.state.arrays import Arrays
from sage_memory.core.engine.store_key import StoreKey
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.experience import MAX_DEVICE, check_text
from sage_memory.core.limits import Limits
from sage_memory.core.opening import open_reader
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.places.rows import forget_place, name_place, read_places, set_private
from sage_memory.core.recall.reader import Reader
from sage_memory.core.recovery import suspension
from sage_memory.core.recovery.verification import Finding, compare_index, distinct, inspect_rows
from sage_memory.core.reidentification.individual import Individual, individuals
from sage_memory.core.reidentification.kept_sightings import kept_sightings
from sage_memory.core.statistics import Statistics, statistics_of
from sage_memory.core.store.labelling import Relabelled
from sage_memory.core.store.storage import open_storage
from sage_memory.core.store.store import Store
from sage_memory.core.store.teaching import Taught, forget_word, teach
from sage_memory.core.store.writer import Future
from sage_memory.core.taught.rows import read_words
from sage_memory.core.taught.taught_word import TaughtWord

Done = TypeVar("Done")
Opened = TypeVar("Opened", bound="OpenMemory")


class OpenMemory:
    """What `Memory` stands on: opening, proving, reading and changing rows, closing."""

    def __init__(self, reader: Reader, store: Store | None, clock: Clock) -> None:
        self._reader = reader
        self._store = store
        self._clock = clock
        self._closed = False

    @classmethod
    def open(
        cls: type[Opened],
        home: Path | str,
        *,
        read_only: bool = False,
        clock: Clock | None = None,
        rng: np.random.Generator | None = None,
        device_id: str = "",
        limits: Limits | None = None,
        url: str = "",
        key: StoreKey | None = None,
        instances: Sequence[str] = (),
    ) -> Opened:
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
            instances: modalities that are another instance of an installed one, `MODALITY
                INSTALLED` each; the store remembers them, where it is not read only.

        Raises:
            StoreLocked: another process writes it; its pid is named.
            StoreMissing: read only, and there is no store.
            StoreDamaged: the file is truncated or not a database; the fix is named.
            StoreTooNew: a later version wrote it.
            StoreTooOld: read only, and an earlier version wrote it.
            StoreNotReadable, StoreNotWritable: the disk or its permissions refuse.
            KeyMissing, KeyWrong, StoreNotEncrypted: the key is not that of the store.
            OptionMissing: encryption or PostgreSQL need a package that is not installed.
            InvalidInput: an argument is of another type, `home` is a file, the device's name is
                too long, or an instance has another form.
            StoreUnreachable, NotDurable: the server cannot be had, or would lose commits.
        """
        if not isinstance(home, str | Path):
            raise InvalidInput("home", home, "a folder")
        home = no_file("home", Path(home))
        check_text("device_id", device_id)
        if len(device_id) > MAX_DEVICE:
            raise InvalidInput("device_id", device_id, f"at most {MAX_DEVICE} characters")
        storage = open_storage(home, url, key, device_id)
        clock = clock or SystemClock()
        if read_only:
            return cls(open_reader(home, storage, instances), None, clock)
        store = Store(
            home,
            storage,
            clock,
            rng if rng is not None else np.random.default_rng(),
            device_id,
            limits or Limits(),
            instances,
        )
        return cls(store.reader, store, clock)

    def places(self) -> list[NamedPlace]:
        """Places that are known by name, in the order of their names.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return self.read(read_places)

    def name_place(self, again: NamedPlace) -> Future[NamedPlace]:
        """Take in that a place was named (`named_at`); the place as it is then known."""
        return self._writable().change(lambda connection: name_place(connection, again))

    def set_private(self, name: str, is_private: bool) -> Future[NamedPlace]:
        """Make a place that is known private or public; the place as it then is.

        The memory node keeps nothing verbatim of what happens in a private place from then on;
        what was kept before stays as it is.

        Raises:
            InvalidInput: from the future: there is none of this name.
        """
        return self._writable().change(lambda each: set_private(each, name, is_private))

    def forget_place(self, name: str) -> Future[NamedPlace]:
        """Forget a place; moments keep where they were.

        Raises:
            InvalidInput: from the future: there is none of this name.
        """
        return self._writable().change(lambda connection: forget_place(connection, name))

    def taught_words(self) -> list[TaughtWord]:
        """Words that were taught, in their order.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return self.read(read_words)

    def individuals(self) -> list[Individual]:
        """Things, speakers and places that the newest moments show, those met most often first.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        return individuals(self.read(lambda c: kept_sightings(c, self.modality_specs)))

    def teach(self, again: TaughtWord) -> Future[Taught]:
        """Add examples of a word; what its former examples recognised is looked for anew.

        From `result()` on it is known what labels there are then, and the word is on the disk.

        Raises:
            InvalidInput: a field is wrong, or, from the future, there are too many examples.
        """
        return teach(self._writable(), again)

    def forget_word(self, word: str) -> Future[Relabelled]:
        """Forget a word with its examples and all that was recognised by them.

        Raises:
            InvalidInput: it is no word, or, from the future, none that was taught.
        """
        return forget_word(self._writable(), word)

    def inspect(self) -> list[Finding]:
        """Everything that is wrong with the store; takes minutes on a large one."""
        files = self.payload_files
        found = compare_index(self.verify)
        found += self.read(lambda connection: inspect_rows(connection, files))
        return distinct(found)

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

    def suspend(self) -> Arrays:
        """What a writer that is closed now and opened later needs to go on at the same instant.

        Raises:
            CannotContinue: experiences wait for their commit.
        """
        return suspension.suspend(self._writable())

    def resume(self, left: Arrays) -> None:
        """Continue from `suspend()` of the same store, with the ids and counts to come.

        Raises:
            InvalidInput: experiences have come or gone since.
        """
        suspension.resume(self._writable(), left)

    @property
    def modality_specs(self) -> ModalitySpecs:
        """What is declared of the modalities of its experiences."""
        return self._reader.specs

    @property
    def payload_files(self) -> PayloadFiles:
        """Where payloads lie, sealed or not."""
        return self._current().files

    def read(self, action: Callable[[Connection], Done]) -> Done:
        """What `action` makes of the rows, all as they were at one moment.

        Raises:
            StoreDamaged: a row cannot be read.
        """
        with self._current().snapshot() as connection:
            return action(connection)

    def change(self, action: Callable[[Connection], Done]) -> Future[Done]:
        """Run `action` in a transaction on the writer's thread, in its turn.

        For tools that open the memory, change rows, and close it: recalls through this object may
        not see the change.
        """
        return self._writable().change(action)

    def close(self) -> None:
        """Commit what waits, then release the store. Calling it twice is fine."""
        if self._closed:
            return
        self._closed = True
        if self._store is not None:
            self._store.close()
            self._store = None
        else:
            self._reader.close()

    def __enter__(self: Opened) -> Opened:
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
