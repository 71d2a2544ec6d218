"""An answer that goes on: server-sent events of one viewer."""

from __future__ import annotations

import anyio
from starlette.types import Receive, Scope, Send

from sage_gateway.core.encoding import KEEP_ALIVE, RETRY
from sage_gateway.core.streams import Streams, Viewer

KEEP_ALIVE_S = 10.0
STALLED_S = 60.0


class EventStream:
    """Sends until the viewer goes, is closed, or takes nothing for a minute."""

    def __init__(self, streams: Streams, viewer: Viewer) -> None:
        self._streams, self._viewer = streams, viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async with anyio.create_task_group() as group:
                group.start_soon(self._until_gone, receive, group.cancel_scope)
                await self._send_all(send)
                group.cancel_scope.cancel()
        finally:
            self._streams.close(self._viewer)

    async def _send_all(self, send: Send) -> None:
        data = RETRY
        while True:
            with anyio.move_on_after(STALLED_S) as limit:
                await send({"type": "http.response.body", "body": data, "more_body": True})
            if limit.cancelled_caught:
                return
            if self._viewer.closed and not (data := await self._viewer.take(0.0)):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            data = data if self._viewer.closed else await self._viewer.take(KEEP_ALIVE_S)
            data = data or KEEP_ALIVE

    @staticmethod
    async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()
