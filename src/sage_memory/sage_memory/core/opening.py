"""Where the store of a home folder lies, with which key it is read, and its reading side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.database import check_schema, naming
from sage_memory.core.engine.store_key import StoreKey, find_key
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.recall.reader import Reader
from sage_memory.core.store.modality_facts import merged_instances, stored_instances
from sage_memory.core.store.storage import Storage

URL_VARIABLE = "SAGE_MEMORY_URL"


@dataclass(frozen=True)
class FoundStore:
    """Where a store lies: the URL of a PostgreSQL database, or empty; and its key, or None."""

    url: str
    key: StoreKey | None


def find_store(
    home: Path, environment: Mapping[str, str], *, url: str = "", key_file: str = ""
) -> FoundStore:
    """The store of `home`: what is given counts before what the environment says.

    Args:
        environment: of the process: SAGE_MEMORY_URL, SAGE_MEMORY_KEY_FILE, SAGE_MEMORY_KEY.
        url: of a PostgreSQL database; empty: as the environment says, or the file in `home`.
        key_file: with the key of an encrypted store; empty: as the environment says, or none.

    Raises:
        InvalidInput: the key cannot be used; see `find_key`.
    """
    return FoundStore(
        url or environment.get(URL_VARIABLE, ""), find_key(home, key_file, environment)
    )


def open_reader(home: Path, storage: Storage, instances: Sequence[str] = ()) -> Reader:
    """The reading side of a store, its index filled.

    Args:
        instances: that this reader knows of beside the store's, `MODALITY INSTALLED` each.

    Raises:
        InvalidInput: an instance of another form.
        MemoryFailure: as `Memory.open`.
    """
    storage.check()
    engine = storage.open_reader()
    try:
        with naming(storage.place), engine.connect() as connection:
            facts = check_schema(connection, storage.place)
            instances = merged_instances(stored_instances(facts), instances)
        files = PayloadFiles(home / "payloads", storage.seal)
        reader = Reader(storage.place, engine, files, instances)
        reader.load()
    except (InvalidInput, MemoryFailure):
        engine.dispose()
        raise
    return reader
