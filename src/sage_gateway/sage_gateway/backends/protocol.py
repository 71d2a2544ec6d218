"""uvicorn's HTTP, with limits of our own: on connections, and on how slowly a head may come."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 64
HEAD_TIMEOUT_S = 5.0
MOST_HEAD_BYTES = 16 * 1024


class LimitedProtocol(H11Protocol):
    """One connection; it is closed if there are too many, or if no whole head comes in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        if len(self.connections) >= MOST_CONNECTIONS:
            transport.abort()
            return
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        if self in self.connections:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        self._await_head()
        super().on_response_complete()
        self._look()  # the next head may have come already

    def _look(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()

    def _await_head(self) -> None:
        self._head_came()
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self._close)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
