"""One writer at a time: a lock file that names its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sage_memory.core.errors import StoreLocked, StoreNotWritable


class WriterLock:
    """Holds `path` locked until closed; the kernel releases it if the process dies.

    Raises:
        StoreLocked: another process holds it; its pid is named.
        StoreNotWritable: the folder is read-only.
    """

    def __init__(self, path: Path, store: Path) -> None:
        try:
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise StoreNotWritable(store, str(error.strerror)) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            raise StoreLocked(store, int(holder) if holder.isdigit() else 0) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def close(self) -> None:
        """Let go. The file stays: removing it would race with the next holder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
