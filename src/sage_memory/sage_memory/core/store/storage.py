"""Where the rows of a store lie: in a file, in an encrypted file, or on a server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import Connection, Engine

from sage_common.core.clock import Clock
from sage_common.core.errors import InvalidInput
from sage_memory.core.device import device_name
from sage_memory.core.engine.database import (
    MAGIC,
    PLAIN,
    check_file,
    compact,
    create_database,
    durability,
    open_reader,
    open_writer,
    size_bytes,
)
from sage_memory.core.engine.errors import KeyMissing
from sage_memory.core.engine.store_key import StoreKey
from sage_memory.core.errors import StoreNotReadable, StoreReplaced
from sage_memory.core.payloads import Seal

DATABASE = "memory.db"
ROOM_TO_REWRITE = 2.5
"""Free bytes on the disk, to those of the file, with which it is rewritten as a whole."""


class Storage(Protocol):
    """The database below a store.

    Attributes:
        place: what errors call it.
        seal: encrypts the payloads of the store; None: they lie there as they are.
    """

    @property
    def place(self) -> Path: ...

    @property
    def seal(self) -> Seal | None: ...

    def exists(self) -> bool:
        """Whether there is a store, whole or not."""

    def create(self, device_id: str, clock: Clock) -> None:
        """Make an empty store if there is none."""

    def check(self) -> None:
        """Prove that there is a store, and that it may be opened.

        Raises:
            StoreMissing, StoreDamaged, StoreNotReadable, KeyMissing, KeyWrong, StoreNotEncrypted:
                it may not.
        """

    def open_writer(self) -> Engine:
        """Engine of the one writer; every commit is durable before it returns."""

    def open_reader(self) -> Engine:
        """Engine of any number of readers beside it."""

    def durability(self, connection: Connection) -> str:
        """What is in effect on a connection of the writer, in words."""

    def prove_in_place(self) -> None:
        """Prove that what the writer has open is still the store.

        Raises:
            StoreReplaced: it is not.
        """

    def compact(self, connection: Connection) -> int:
        """Give the space of removed rows back; returns bytes. Only outside a transaction."""


class FileStorage:
    """An SQLite file.

    Args:
        path: the file.
        key: it is encrypted with this one; None: it is not.
    """

    def __init__(self, path: Path, key: StoreKey | None) -> None:
        self.place = path
        self.seal: Seal | None = None
        self._key = key
        self._driver = PLAIN
        self._identity = (0, 0)

    def exists(self) -> bool:
        return self.place.exists()

    def create(self, device_id: str, clock: Clock) -> None:
        if self.exists():
            return
        if self._key is None:
            create_database(self.place, device_id, clock)
        else:
            from sage_memory.backends import encrypted_file

            encrypted_file.create(self.place, self._key, device_id, clock)

    def check(self) -> None:
        try:
            self._identity = self._identify()
            if self._key is None:
                self._prove_readable()
                check_file(self.place)
        except PermissionError as error:
            raise StoreNotReadable(self.place, str(error.strerror)) from error
        if self._key is not None:
            from sage_memory.backends import encrypted_file

            cipher = encrypted_file.unlock(self.place, self._key)
            self.seal = cipher
            self._driver = encrypted_file.driver(cipher)

    def open_writer(self) -> Engine:
        return open_writer(self.place, self._driver)

    def prove_in_place(self) -> None:
        if self._identify() != self._identity:
            raise StoreReplaced(self.place)

    def open_reader(self) -> Engine:
        return open_reader(self.place, self._driver)

    def durability(self, connection: Connection) -> str:
        encrypted = ", encrypted" if self.seal is not None else ""
        return durability(connection) + encrypted

    def compact(self, connection: Connection) -> int:
        before = size_bytes(self.place)
        free = shutil.disk_usage(self.place.parent).free
        compact(connection, whole=free > ROOM_TO_REWRITE * before)
        return before - size_bytes(self.place)

    def _identify(self) -> tuple[int, int]:
        """Device and inode of the file; zeros if there is none."""
        try:
            found = os.stat(self.place)
        except FileNotFoundError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _prove_readable(self) -> None:
        """Of two stores without a readable head, the encrypted one has a key check beside it."""
        if self.place.exists() and self.place.with_name(f"{DATABASE}.keycheck").exists():
            with self.place.open("rb") as stream:
                if stream.read(len(MAGIC)) != MAGIC:
                    raise KeyMissing(self.place)


def open_storage(home: Path, url: str, key: StoreKey | None, device_id: str) -> Storage:
    """The storage of the store in `home`.

    Args:
        home: folder of the store.
        url: of a PostgreSQL database; empty: the file `memory.db` in `home`.
        key: of an encrypted file.
        device_id: whose store it is, on a server; empty: the host's name.

    Raises:
        InvalidInput: a key for a server, whose disk is not ours to encrypt; or a wrong URL.
        OptionMissing: a package is not installed.
    """
    if not url:
        return FileStorage(home / DATABASE, key)
    if key is not None:
        raise InvalidInput(
            "key", "given together with a store URL", "one of them: a server encrypts its own disk"
        )
    from sage_memory.backends.postgresql import ServerStorage

    return ServerStorage(url, device_id or device_name())
