"""Where the viewers of a graph find it, before the graph runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, ClassVar

from sage.graph.lock_file import hold
from sage_common.core.errors import InvalidInput
from sage_gateway.backends.listening import listen
from sage_gateway.core.token import FOXGLOVE_FILE, token_of
from sage_gateway.params import DEFAULT_PORT, FOXGLOVE_PORT, LOOPBACK

MOST_PORTS = 31


class PortLease:
    """A port that no other graph of this user serves the same at, until the process ends.

    Args:
        asked: port; 0: the first of its kind, or the next that is free.

    Attributes:
        port: that is held.

    Raises:
        InvalidInput: the port is taken, or none is free.
    """

    what: ClassVar[str]
    """The option that asks for it."""
    first: ClassVar[int]

    def __init__(self, asked: int) -> None:
        self._lock: IO[str] | None = None
        self.port = asked or self._first_free()
        if asked:
            listen(LOOPBACK, asked).close()

    def address(self, home: Path) -> str:
        """To be opened by a viewer, with what lets it in.

        Raises:
            InvalidInput, OSError: as `token_of`.
        """
        raise NotImplementedError

    def _first_free(self) -> int:
        folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        last = self.first + MOST_PORTS - 1
        for port in range(self.first, last + 1):
            lock = hold(folder / f"sage-{os.getuid()}-{self.what}-{port}.lock")
            if lock is None:
                continue
            try:
                listen(LOOPBACK, port).close()
            except InvalidInput:
                lock.close()
                continue
            self._lock = lock
            return port
        raise InvalidInput(self.what, f"{self.first}..{last} all in use", "a free port")


class PageLease(PortLease):
    """That of the page."""

    what = "page"
    first = DEFAULT_PORT

    def address(self, home: Path) -> str:
        """Of the page, with the token of this home behind #, where no browser sends it."""
        return f"http://{LOOPBACK}:{self.port}/#token={token_of(home)}"


class FoxgloveLease(PortLease):
    """That of Foxglove's viewers."""

    what = "foxglove"
    first = FOXGLOVE_PORT

    def address(self, home: Path) -> str:
        """What is to be typed in as the URL of a Foxglove WebSocket."""
        return f"ws://{LOOPBACK}:{self.port}/?token={token_of(home, FOXGLOVE_FILE)}"
