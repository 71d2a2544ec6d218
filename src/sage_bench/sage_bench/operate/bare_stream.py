"""A server of one stream of events without anything behind it: what the server's libraries cost."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

PATH = "/events"
PERIOD_S, EVENT_BYTES, START_S = 0.2, 2000, 30.0


@contextmanager
def bare_stream() -> Iterator[tuple[psutil.Process, int]]:
    """The server in a process of its own, and its port; it ends with the block.

    Raises:
        RuntimeError: it did not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", __name__, str(port)])
    try:
        end_s = time.monotonic() + START_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError("the bare server did not start")
            time.sleep(0.1)
        yield psutil.Process(process.pid), port
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


async def _events(_request: Request) -> StreamingResponse:
    async def made() -> AsyncIterator[bytes]:
        while True:
            yield b"event: salience\ndata: " + b"x" * EVENT_BYTES + b"\n\n"
            await asyncio.sleep(PERIOD_S)

    return StreamingResponse(made(), media_type="text/event-stream")


if __name__ == "__main__":
    application = Starlette(routes=[Route(PATH, _events)])
    uvicorn.run(
        application, host="127.0.0.1", port=int(sys.argv[1]), log_config=None, loop="asyncio"
    )
