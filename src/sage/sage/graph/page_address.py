"""Where the page of a graph is, before the graph runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

from sage.graph.lock_file import hold
from sage_common.core.errors import InvalidInput
from sage_gateway.backends.listening import listen
from sage_gateway.core.token import token_of
from sage_gateway.params import DEFAULT_PORT, LOOPBACK

LAST_PORT = DEFAULT_PORT + 30


class PageLease:
    """A port that no other graph of this user serves its page at, until the process ends.

    Args:
        asked: port; 0: 8765, or the next that is free.

    Raises:
        InvalidInput: the port is taken, or none is free.
    """

    def __init__(self, asked: int) -> None:
        self._lock: IO[str] | None = None
        self.port = asked or self._first_free()
        if asked:
            listen(LOOPBACK, asked).close()

    def address(self, home: Path) -> str:
        """Of the page, with the token of this home behind #, where no browser sends it.

        Raises:
            InvalidInput, OSError: as `token_of`.
        """
        return f"http://{LOOPBACK}:{self.port}/#token={token_of(home)}"

    def _first_free(self) -> int:
        folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        for port in range(DEFAULT_PORT, LAST_PORT + 1):
            lock = hold(folder / f"sage-{os.getuid()}-page-{port}.lock")
            if lock is None:
                continue
            try:
                listen(LOOPBACK, port).close()
            except InvalidInput:
                lock.close()
                continue
            self._lock = lock
            return port
        raise InvalidInput("page", f"{DEFAULT_PORT}..{LAST_PORT} all in use", "a free port")
