"""Viewers of a page: connections that take its stream of events, at once or very slowly."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from types import TracebackType

SLOW_BYTES, SLOW_PERIOD_S = 8, 1.0
"""A slow viewer takes so much at a time, and with a small buffer of its own."""
SLOW_BUFFER_BYTES = 4096
PATIENCE_S = 30.0


class Viewers:
    """Watches from a thread until the block ends.

    Args:
        port: of the page, on this machine.
        path: of the stream.
        token: of the gateway; empty: none is asked for.
        count: of those that take all at once.
        slow: how many more take it very slowly.

    Attributes:
        taken_bytes: of all that are not slow.
    """

    def __init__(self, port: int, path: str, token: str, count: int, slow: int = 0) -> None:
        lines = (
            f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Authorization: Bearer {token}",
        )  # fmt: skip
        self._request = "\r\n".join((*lines, "", "")).encode()
        self._port = port
        self.taken_bytes = 0
        self._selector = selectors.DefaultSelector()
        self._fast = [self._opened(0) for _ in range(count)]
        self._slow = [self._opened(SLOW_BUFFER_BYTES) for _ in range(slow)]
        for connection in self._fast:
            self._selector.register(connection, selectors.EVENT_READ)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="viewers", daemon=True)

    def __enter__(self) -> Viewers:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._selector.close()
        for connection in (*self._fast, *self._slow):
            connection.close()

    def _opened(self, buffer_bytes: int) -> socket.socket:
        """A connection whose answer has begun.

        Raises:
            ConnectionError: it was refused.
        """
        connection = socket.socket()
        connection.settimeout(PATIENCE_S)
        if buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        connection.connect(("127.0.0.1", self._port))
        connection.sendall(self._request)
        begin = connection.recv(len(b"HTTP/1.1 200"))
        if not begin.endswith(b"200"):
            connection.close()
            raise ConnectionError(f"no stream for a viewer: {begin.decode('ascii', 'replace')}")
        return connection

    def _watch(self) -> None:
        next_s = time.monotonic()
        while not self._ended.is_set():
            for key, _ in self._selector.select(SLOW_PERIOD_S / 4):
                assert isinstance(key.fileobj, socket.socket)
                self.taken_bytes += len(key.fileobj.recv(1 << 16))
            if time.monotonic() >= next_s:
                next_s += SLOW_PERIOD_S
                for connection in self._slow:
                    connection.recv(SLOW_BYTES)
