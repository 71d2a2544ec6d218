"""Opening the store in a home folder, wherever it lies and whether or not it is encrypted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Connection

from sage_memory.core.engine.database import begin_snapshot, check_schema, naming
from sage_memory.core.memory import Memory
from sage_memory.core.opening import find_store
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.store.storage import Storage, open_storage


def open_memory(home: Path, *, read_only: bool = False) -> Memory:
    """The memory of `home`, with database and key from the environment.

    Raises:
        MemoryFailure: as `Memory.open`.
        InvalidInput: the key cannot be used.
    """
    found = find_store(home, os.environ)
    return Memory.open(home, read_only=read_only, url=found.url, key=found.key)


def open_payloads(home: Path) -> PayloadFiles:
    """The payloads of the store in `home`, unsealed with the key from the environment.

    Raises:
        MemoryFailure: the key is missing or wrong.
    """
    storage = _storage(home)
    return PayloadFiles(home / "payloads", storage.seal)


def _storage(home: Path) -> Storage:
    found = find_store(home, os.environ)
    storage = open_storage(home, found.url, found.key, "")
    storage.check()
    return storage


@contextmanager
def open_rows(home: Path) -> Iterator[Connection]:
    """The rows of the store in `home` as they are at one moment, without an index of them.

    Raises:
        MemoryFailure: as `Memory.open` for reading.
    """
    storage = _storage(home)
    engine = storage.open_reader()
    try:
        with naming(storage.place), engine.connect() as connection:
            check_schema(connection, storage.place)
            begin_snapshot(connection)
            yield connection
    finally:
        engine.dispose()
