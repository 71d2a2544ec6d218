"""Viewers that take a stream at once and very slowly, in front of a server of bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from sage_bench.operate.bare_stream import PATH, bare_stream
from sage_bench.operate.page_graph import taken
from sage_bench.operate.viewers import Viewers

PATIENCE_S = 60.0


def test_a_viewer_takes_what_a_server_sends_and_a_slow_one_does_not() -> None:
    sent = [0, 0]
    served: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(connection: socket.socket, number: int) -> None:
            connection.recv(4096)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            connection.settimeout((PATIENCE_S, 0.5)[number])
            with contextlib.suppress(TimeoutError):
                while sent[number] < 1_000_000:
                    sent[number] += connection.send(b"x" * 1000)

        def accept() -> None:
            for number in range(2):
                served.append(
                    threading.Thread(target=serve, args=(server.accept()[0], number), daemon=True)
                )
                served[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        with Viewers(server.getsockname()[1], "/", "token", 1, slow=1) as watching:
            accepting.join(PATIENCE_S)
            for thread in served:
                thread.join(PATIENCE_S)
            end_s = time.monotonic() + PATIENCE_S
            while watching.taken_bytes < sent[0] and time.monotonic() < end_s:
                time.sleep(0.01)
    assert sent[0] >= 1_000_000 and watching.taken_bytes >= sent[0]
    assert 0 < sent[1] < 500_000


def test_a_viewer_that_is_refused_says_so() -> None:
    with bare_stream() as (process, port):
        with pytest.raises(ConnectionError, match="404"):
            Viewers(port, "/nothing", "", 1)
        with Viewers(port, PATH, "", 1) as watching:
            took = taken(process, 1.0, time.sleep)
            end_s = time.monotonic() + PATIENCE_S
            while not watching.taken_bytes and time.monotonic() < end_s:
                time.sleep(0.01)
    assert watching.taken_bytes > 0 and 0.0 < took.private_mb <= took.pss_mb
