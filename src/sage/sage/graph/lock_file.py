"""A file that one process at a time holds locked."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


def hold(path: Path) -> IO[str] | None:
    """Lock a file, which is made for its owner alone (mode 0600); None if it is locked already.

    The kernel releases it when what this returns is closed, or however the process ends. The file
    stays: removing it would race with the next holder.

    Raises:
        OSError: it cannot be made, or a link stands in its place.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.fdopen(os.open(path, flags, 0o600), "r+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
