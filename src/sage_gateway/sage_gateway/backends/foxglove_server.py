"""A websocket server for Foxglove's viewers, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import http
import logging
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from sage_common.core.errors import InvalidInput
from sage_gateway.backends.foxglove_viewer import Viewer
from sage_gateway.core import foxglove_protocol as protocol
from sage_gateway.core.origin import Endpoint
from sage_gateway.core.ports import RawTopics
from sage_gateway.core.token import Gatekeeper

MOST_VIEWERS = 8
MOST_REQUEST_BYTES = 64 * 1024
DISCOVERY_S = 1.0
OPEN_TIMEOUT_S = 5.0
SILENCE_S = 20.0
START_TIMEOUT_S = 10.0
END_TIMEOUT_S = 5.0
PARAMETER = "token"
# Whoever knocks and goes away is no event of ours.
_QUIET = logging.getLogger(__name__)
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class FoxgloveServer:
    """Shows the topics of a graph to whoever has the token, until `stop`.

    Nothing is looked up or subscribed without a viewer, and only what one has subscribed.

    Args:
        name: of the graph, as viewers show it.
        distribution: of ROS.
        listener: a listening TCP socket, which is closed at the end.
        token: to be given as `?token=`.
        topics: what the graph publishes.
        watched: told how many viewers there are, when that changes.
        report: given errors of ours.

    Raises:
        RuntimeError: it did not start.
    """

    def __init__(
        self,
        name: str,
        distribution: str,
        listener: socket.socket,
        token: str,
        topics: RawTopics,
        watched: Callable[[int], None],
        report: Callable[[Exception], None],
    ) -> None:
        self._hello = protocol.server_info(name, str(time.time_ns()), distribution)
        self._listener, self._topics = listener, topics
        self._gatekeeper = Gatekeeper(token)
        self._watched, self._report = watched, report
        self._viewers: set[Viewer] = set()
        self._channels: dict[int, protocol.Channel] = {}
        self._loop: asyncio.AbstractEventLoop
        self._started = threading.Event()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="foxglove server", daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S):
            raise RuntimeError(f"the server did not start within {START_TIMEOUT_S:g} s")

    def stop(self) -> None:
        """Close all connections and the socket."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(END_TIMEOUT_S)
        self._listener.close()

    def publish(self, channel: int, time_ns: int, data: bytes) -> None:
        """Send a message to all that have subscribed its channel; from any thread."""
        if self._thread.is_alive() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._send, channel, time_ns, data)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with serve(
            self._attend,
            sock=self._listener,
            process_request=self._check,
            subprotocols=[Subprotocol(name) for name in protocol.SUBPROTOCOLS],
            compression=None,  # on this host it only costs
            max_size=MOST_REQUEST_BYTES,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1.0,
            ping_interval=SILENCE_S,
            ping_timeout=SILENCE_S,
            server_header=None,
            logger=_QUIET,
        ) as server:
            self._started.set()
            discovery = asyncio.create_task(self._discover(server))
            await self._ended.wait()
            discovery.cancel()

    # -- connections -------------------------------------------------------------------------

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse who came by another name (DNS rebinding), or without the token.

        `Origin` is not looked at: a viewer may be a page of any site. A page that was not given the
        token gets nothing.
        """
        host, port = connection.local_address[:2]
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or not Endpoint.of((host, port)).is_host(hosts[0]):
            return _refused(connection, http.HTTPStatus.FORBIDDEN, "Host is not this address")
        shown = parse_qs(urlsplit(request.path).query).get(PARAMETER, [])
        if len(shown) != 1 or not self._gatekeeper.is_token(shown[0]):
            text = f"?{PARAMETER}= is missing or wrong: sage run --foxglove prints it"
            return _refused(connection, http.HTTPStatus.UNAUTHORIZED, text)
        if len(self._viewers) >= MOST_VIEWERS:
            text = f"{MOST_VIEWERS} viewers are connected already"
            return _refused(connection, http.HTTPStatus.SERVICE_UNAVAILABLE, text)
        return None

    async def _attend(self, connection: ServerConnection) -> None:
        viewer = Viewer(connection)
        sending = asyncio.create_task(viewer.send_all())
        try:
            self._look()
            viewer.text(self._hello)
            viewer.text(protocol.advertise(self._channels.values()))
            self._viewers.add(viewer)
            self._watched(len(self._viewers))
            async for text in connection:
                self._answer(viewer, text)
        except ConnectionClosed:
            pass
        except Exception as error:  # noqa: BLE001 - one viewer must not end the others
            self._report(error)
        finally:
            sending.cancel()
            self._viewers.discard(viewer)
            self._close_unwanted(set(viewer.channels.values()))
            self._watched(len(self._viewers))

    def _answer(self, viewer: Viewer, text: str | bytes) -> None:
        try:
            asked = protocol.parse(text)
            if isinstance(asked, protocol.Subscribe):
                for subscription, channel in asked.pairs:
                    self._subscribe(viewer, subscription, channel)
            else:
                ended = [viewer.unsubscribe(subscription) for subscription in asked.ids]
                self._close_unwanted({channel for channel in ended if channel is not None})
        except InvalidInput as fault:
            viewer.text(protocol.status(protocol.ERROR, str(fault)))

    def _subscribe(self, viewer: Viewer, subscription: int, channel: int) -> None:
        if channel not in self._channels:
            raise InvalidInput("channelId", channel, "a channel that is offered")
        viewer.subscribe(subscription, channel)
        if not self._topics.open(channel):
            for time_ns, data in self._topics.kept(channel):
                viewer.message(channel, time_ns, data)

    def _close_unwanted(self, channels: set[int]) -> None:
        wanted = {channel for viewer in self._viewers for channel in viewer.channels.values()}
        for channel in channels - wanted:
            self._topics.close(channel)

    # -- channels ----------------------------------------------------------------------------

    async def _discover(self, server: Server) -> None:
        while server.is_serving():
            await asyncio.sleep(DISCOVERY_S)
            if self._viewers:
                try:
                    self._look()
                except Exception as error:  # noqa: BLE001 - it is looked again
                    self._report(error)

    def _look(self) -> None:
        """Offer what is published now, and no more what is not."""
        found = self._topics.channels()
        new = [channel for number, channel in found.items() if number not in self._channels]
        gone = self._channels.keys() - found.keys()
        self._channels = found
        for viewer in self._viewers:
            if gone:
                viewer.lose(gone)
                viewer.text(protocol.unadvertise(gone))
            if new:
                viewer.text(protocol.advertise(new))
        self._close_unwanted(set(gone))

    def _send(self, channel: int, time_ns: int, data: bytes) -> None:
        for viewer in self._viewers:
            viewer.message(channel, time_ns, data)


def _refused(connection: ServerConnection, status: http.HTTPStatus, text: str) -> Response:
    return connection.respond(status, f"{text}\n")
