"""What can go wrong with encryption and other engines, each with the fix in its message."""

from __future__ import annotations

from pathlib import Path

from sage_memory.core.engine.store_key import FILE_VARIABLE, KEY_VARIABLE
from sage_memory.core.errors import MemoryFailure, NotStored, StoreFailure

SOURCES = f"the parameter encryption_key_file, {FILE_VARIABLE} or {KEY_VARIABLE}"


class OptionMissing(MemoryFailure):
    """A package of requirements/memory.in is not installed."""

    def __init__(self, what: str, package: str) -> None:
        super().__init__(
            f"{what} needs {package}, which is not installed: `make demo OPTIONS=1`, or "
            "`scripts/setup_environment.py run media memory`"
        )


class KeyMissing(StoreFailure):
    """The store is encrypted, and no key was given."""

    text = "{path}: the store is encrypted; give its key by " + SOURCES


class KeyWrong(MemoryFailure):
    """This is not the key of the store.

    Args:
        path: the database file.
        certain: False: its head may be damaged as well, and nothing is left that would show it.
    """

    def __init__(self, path: Path, *, certain: bool) -> None:
        doubt = (
            "" if certain else f", or its first bytes are damaged ({path.name}.keycheck is gone)"
        )
        super().__init__(
            f"{path}: this is not the key of the store{doubt}; give the key that it was made with "
            f"by {SOURCES}"
        )


class StoreNotEncrypted(StoreFailure):
    """A key was given for a store whose files are readable by anyone."""

    text = (
        "{path}: the store is not encrypted, but a key was given; open it without the key, or move "
        "its memories into an encrypted one: `sage memory export` without the key, `sage memory "
        "import` with it into another home"
    )


class PayloadDamaged(MemoryFailure):
    """A sealed payload is not what was written."""

    def __init__(self, sha256: str, detail: str) -> None:
        super().__init__(f"payload {sha256[:12]} is damaged: {detail}")


class NotDurable(MemoryFailure):
    """The server would acknowledge what a power cut can still take."""

    def __init__(self, path: Path, setting: str, value: str) -> None:
        super().__init__(
            f"{path}: {setting} is {value} on the server: what it acknowledges may be lost at a "
            f"power cut; set {setting} = on in postgresql.conf"
        )


class StoreUnreachable(NotStored, StoreFailure):
    """The server did not answer in time; what was not acknowledged is not stored."""

    text = (
        "{path}: the server cannot be reached ({detail}); start it, or check its URL, the password "
        "(PGPASSWORD, PGPASSFILE) and the network"
    )


class ConnectionLost(StoreUnreachable):
    """The connection broke within a transaction: the server may have kept it, or not."""
