"""Finding out what is wrong with a store, and keeping what can be read of a damaged one."""

from __future__ import annotations

import os
from pathlib import Path

from sage.memory.opening import open_memory
from sage_common.core.errors import InvalidInput
from sage_memory.core.errors import StoreDamaged, StoreTooOld
from sage_memory.core.opening import URL_VARIABLE, find_store
from sage_memory.core.recovery.repair import ProgressCallback, Repaired, repair
from sage_memory.core.recovery.verification import REPAIR, Finding


def verify_home(home: Path) -> list[Finding]:
    """Everything that is wrong with the store in `home`; a graph may run meanwhile.

    A store of an earlier version is migrated first.

    Raises:
        MemoryFailure: there is no store, or it needs another key or a newer version.
    """
    try:
        with open_memory(home, read_only=True) as memory:
            return memory.inspect()
    except StoreTooOld:
        with open_memory(home) as memory:
            return memory.inspect()
    except StoreDamaged as error:
        return [Finding("file", error.detail, True, REPAIR)]


def repair_home(home: Path, progress: ProgressCallback | None = None) -> Repaired:
    """Put a store of all that can be read in the place of a damaged one; no graph runs.

    Args:
        progress: called as it proceeds.

    Raises:
        InvalidInput: the store lies on a server, which has its own tools.
        MemoryFailure: it is in use, or nothing can be read.
    """
    found = find_store(home, os.environ)
    if found.url:
        raise InvalidInput(URL_VARIABLE, "set", "a store in a file; a server repairs its own")
    if found.key is None:
        return repair(home, progress=progress)
    from sage_memory.backends import encrypted_file

    cipher = encrypted_file.unlock(home / "memory.db", found.key)
    return repair(home, encrypted_file.driver(cipher), cipher, progress)
