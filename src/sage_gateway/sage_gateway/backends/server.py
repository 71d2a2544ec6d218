"""The HTTP server, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from sage_gateway.backends.protocol import MOST_HEAD_BYTES, LimitedProtocol

START_TIMEOUT_S = 10.0
END_TIMEOUT_S = 5.0
GRACE_S = 1
DATE_PERIOD_S = 1.0
"""uvicorn itself wakes ten times a second to see whether it is to end."""


class _Server(uvicorn.Server):
    """Sleeps until it is told to end, but for the date."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ending.wait(), DATE_PERIOD_S)


class ServerThread:
    """Serves an application until `stop`.

    Args:
        application: made on the server's loop.
        listeners: sockets, which are closed at the end.
        before_end: called on the loop when it is to end, so that streams do.

    Attributes:
        loop: the event loop, to call into from other threads.

    Raises:
        RuntimeError: it did not start.
    """

    def __init__(
        self,
        application: ASGIApp,
        listeners: list[socket.socket],
        before_end: Callable[[], None],
    ) -> None:
        config = uvicorn.Config(
            application,
            http=LimitedProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="error",  # a warning says what a stranger sent, who is answered
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)
        self._listeners = listeners
        self._before_end = before_end
        self._started = threading.Event()
        self.loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="gateway server", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            raise RuntimeError(f"the server did not start within {START_TIMEOUT_S:g} s")

    def stop(self) -> None:
        """End streams and requests, and close the sockets."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._end)
            self._thread.join(END_TIMEOUT_S)
        for listener in self._listeners:
            listener.close()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call something on the loop, soon; from any thread."""
        if self._thread.is_alive() and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *arguments)

    def _end(self) -> None:
        self._before_end()
        self._server.end()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.call_soon(self._started.set)
        await self._server.serve(sockets=self._listeners)
