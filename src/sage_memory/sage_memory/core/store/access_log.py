"""Notes of which payloads were asked for: hints for what to evict first."""

from __future__ import annotations

import threading

from sqlalchemy.engine import Connection

from sage_common.core.clock import Clock
from sage_memory.core.payloads import PayloadCache


class AccessLog:
    """Taken from any thread, written with the next commit."""

    def __init__(self, payloads: PayloadCache, clock: Clock) -> None:
        self._payloads = payloads
        self._clock = clock
        self._used: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, sha256: str) -> None:
        """Note that a payload was asked for now."""
        with self._lock:
            self._used[sha256] = self._clock.now_ns()

    def write(self, connection: Connection) -> None:
        """Write all notes, in the caller's transaction on the writer's thread."""
        with self._lock:
            used, self._used = self._used, {}
        if used:
            self._payloads.touch(connection, used)
