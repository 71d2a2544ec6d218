"""The server for Foxglove's viewers: its wire form, who is let in, and viewers that are slow."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from sage_common.core.errors import InvalidInput
from sage_gateway.backends import foxglove_server, foxglove_viewer
from sage_gateway.backends.foxglove_server import MOST_VIEWERS, FoxgloveServer
from sage_gateway.backends.listening import listen
from sage_gateway.core import foxglove_protocol as protocol
from sage_gateway.core.foxglove_protocol import Channel, Subscribe, Unsubscribe
from sage_gateway.core.outbox import Outbox, Waiting

TOKEN = "t" * 43
PATIENCE_S = 60.0
WORDS = Channel(1, "/a", "std_msgs/msg/String", "string data")
HELLO = b"\x00\x01\x00\x00\x06\x00\x00\x00hello\x00"
# What a server of foxglove-sdk 0.30.3 sends for that channel, and for a message of it at 123 ns to
# the subscription 5.
SDK_ADVERTISES = (
    '{"op":"advertise","channels":[{"id":1,"topic":"/a","encoding":"cdr","schemaName":'
    '"std_msgs/msg/String","schemaEncoding":"ros2msg","schema":"string data"}]}'
)
SDK_MESSAGE = b"\x01\x05\x00\x00\x00{\x00\x00\x00\x00\x00\x00\x00" + HELLO
SDK_UNADVERTISES = '{"op":"unadvertise","channelIds":[2]}'
SDK_STATUS = '{"op":"status","level":2,"message":"Unknown channel ID: 99"}'


def test_it_is_the_wire_form_of_the_sdk() -> None:
    assert json.loads(protocol.advertise([WORDS])) == json.loads(SDK_ADVERTISES)
    assert json.loads(protocol.unadvertise({2})) == json.loads(SDK_UNADVERTISES)
    assert json.loads(protocol.status(2, "Unknown channel ID: 99")) == json.loads(SDK_STATUS)
    assert protocol.message_data(5, 123, HELLO) == SDK_MESSAGE
    info = json.loads(protocol.server_info("SAGE", "1", "jazzy"))
    assert info["op"] == "serverInfo" and info["capabilities"] == []


def test_what_a_viewer_asks_for_is_read_and_nothing_else() -> None:
    asked = {"op": "subscribe", "subscriptions": [{"id": 5, "channelId": 1}]}
    assert protocol.parse(json.dumps(asked)) == Subscribe(((5, 1),))
    asked = {"op": "unsubscribe", "subscriptionIds": [5, 6]}
    assert protocol.parse(json.dumps(asked)) == Unsubscribe((5, 6))
    for wrong in (
        "x", "[]", "[" * 100_000, b"\x01", "{}",
        '{"op": "advertise", "channels": []}', '{"op": "subscribe"}',
        '{"op": "setParameters", "parameters": []}', '{"op": ["subscribe"]}',
        '{"op": "subscribe", "subscriptions": [{"id": 1}]}',
        '{"op": "subscribe", "subscriptions": [1]}',
        '{"op": "unsubscribe", "subscriptionIds": [-1]}',
        '{"op": "unsubscribe", "subscriptionIds": [4294967296]}',
        '{"op": "unsubscribe", "subscriptionIds": [true]}',
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            protocol.parse(wrong)


def test_the_oldest_messages_make_room_and_texts_never_do() -> None:
    outbox = Outbox(most_bytes=10)
    for number in range(5):
        outbox.put(Waiting(1, number, bytes(4)))
        outbox.put_text(str(number))
    outbox.put(Waiting(2, 9, bytes(100)))
    assert outbox.dropped == 5
    taken = iter(outbox.take, None)
    assert list(taken) == [*"01234", Waiting(2, 9, bytes(100))]
    outbox.put(Waiting(1, 0, bytes(4)))
    outbox.forget(1)
    assert outbox.take() is None


class StandIn:
    """Topics without ROS; it remembers what is open."""

    def __init__(self) -> None:
        self.offered = {1: WORDS}
        self.opened: set[int] = set()
        self.looks = 0

    def channels(self) -> dict[int, Channel]:
        self.looks += 1
        return dict(self.offered)

    def open(self, channel: int) -> bool:
        is_new = channel not in self.opened
        self.opened.add(channel)
        return is_new

    def close(self, channel: int) -> None:
        self.opened.discard(channel)

    def kept(self, channel: int) -> Sequence[tuple[int, bytes]]:
        return [(7, HELLO)]


class Served:
    """A server over a stand-in."""

    def __init__(self) -> None:
        self.topics = StandIn()
        self.faults: list[Exception] = []
        self.viewers = 0
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        self.server = FoxgloveServer(
            "SAGE /sage", "jazzy", listener, TOKEN, self.topics, self._watched, self.faults.append
        )

    def _watched(self, viewers: int) -> None:
        self.viewers = viewers

    def connect(self, **options: Any) -> ClientConnection:
        names = [Subprotocol("foxglove.sdk.v1")]
        url = options.pop("url", f"ws://127.0.0.1:{self.port}/?token={TOKEN}")
        return connect(
            url, **{"subprotocols": names, "compression": None, "max_size": None, **options}
        )


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.server.stop()
    assert made.faults == []


def until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.01)


def ask(viewer: ClientConnection, **what: object) -> None:
    viewer.send(json.dumps(what))


def texts(viewer: ClientConnection) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two that begin every connection."""
    info, offer = (json.loads(viewer.recv(PATIENCE_S)) for _ in range(2))
    return info, offer


@pytest.mark.parametrize("name", protocol.SUBPROTOCOLS)
def test_a_viewer_is_offered_topics_and_gets_what_it_subscribes(served: Served, name: str) -> None:
    with served.connect(subprotocols=[Subprotocol(name)]) as viewer:
        assert viewer.subprotocol == name
        info, offer = texts(viewer)
        assert info["name"] == "SAGE /sage" and info["metadata"] == {"ROS_DISTRO": "jazzy"}
        assert offer == json.loads(SDK_ADVERTISES)
        assert served.topics.opened == set()
        ask(viewer, op="subscribe", subscriptions=[{"id": 5, "channelId": 1}])
        until(lambda: served.topics.opened == {1})
        served.server.publish(1, 123, HELLO)
        assert viewer.recv(PATIENCE_S) == SDK_MESSAGE
        with served.connect() as second:  # what was published before is for whoever comes later
            texts(second)
            ask(second, op="subscribe", subscriptions=[{"id": 9, "channelId": 1}])
            assert second.recv(PATIENCE_S) == protocol.message_data(9, 7, HELLO)
            ask(viewer, op="unsubscribe", subscriptionIds=[5])
            served.server.publish(1, 124, HELLO)
            assert second.recv(PATIENCE_S) == protocol.message_data(9, 124, HELLO)
            assert served.topics.opened == {1}
        until(lambda: served.topics.opened == set() and served.viewers == 1)


def test_topics_that_come_and_go_are_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foxglove_server, "DISCOVERY_S", 0.01)
    looks = served.topics.looks
    time.sleep(0.2)
    assert served.topics.looks == looks, "without a viewer nothing is looked up"
    with served.connect() as viewer:
        texts(viewer)
        ask(viewer, op="subscribe", subscriptions=[{"id": 5, "channelId": 1}])
        until(lambda: served.topics.opened == {1})
        served.topics.offered = {2: Channel(2, "/b", WORDS.schema_name, WORDS.schema)}
        assert json.loads(viewer.recv(PATIENCE_S)) == {"op": "unadvertise", "channelIds": [1]}
        offer = json.loads(viewer.recv(PATIENCE_S))
        assert [channel["topic"] for channel in offer["channels"]] == ["/b"]
        assert served.topics.opened == set()


def test_wrong_requests_are_answered_and_the_connection_goes_on(served: Served) -> None:
    with served.connect() as viewer:
        texts(viewer)
        subscribed = {"id": 5, "channelId": 1}
        for wrong in (
            {"op": "subscribe", "subscriptions": [{"id": 5, "channelId": 99}]},
            {"op": "subscribe", "subscriptions": [subscribed, subscribed]},
            {"op": "subscribe", "subscriptions": [{"id": 6, "channelId": 1}]},
            {"op": "advertise", "channels": [{"id": 1, "topic": "/cmd_vel", "encoding": "cdr"}]},
            {"op": "setParameters", "parameters": [{"name": "a", "value": 1}]},
        ):
            ask(viewer, **wrong)
            answer = json.loads(viewer.recv(PATIENCE_S))
            assert (answer["op"], answer["level"]) == ("status", protocol.ERROR), wrong
        viewer.send(b"\x01\x01\x00\x00\x00published")
        assert json.loads(viewer.recv(PATIENCE_S))["op"] == "status"
        served.server.publish(1, 123, HELLO)
        assert viewer.recv(PATIENCE_S) == SDK_MESSAGE


def test_a_slow_viewer_loses_messages_and_is_told_and_others_lose_none(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foxglove_viewer, "MOST_WAITING_BYTES", 1_000_000)
    big, count = bytes(500_000), 60  # more than the sockets of both sides hold
    with served.connect(max_queue=1) as slow, served.connect() as quick:
        for viewer in (slow, quick):
            texts(viewer)
            ask(viewer, op="subscribe", subscriptions=[{"id": 5, "channelId": 1}])
        quick.recv(PATIENCE_S)  # what was kept, as it subscribed second
        until(lambda: served.viewers == 2)
        for number in range(count):
            served.server.publish(1, 1000 + number, big)
            assert len(quick.recv(PATIENCE_S)) == 13 + len(big)
        got = []
        while not got or got[-1] != 1000 + count - 1:
            frame = slow.recv(PATIENCE_S)
            if isinstance(frame, str):
                assert json.loads(frame)["level"] == protocol.WARNING
            else:
                got.append(struct.unpack_from("<Q", frame, 5)[0])
        assert got == sorted(got)
        assert 1 < len(got) < count


def test_one_that_asks_much_and_reads_nothing_is_cut_off(served: Served) -> None:
    options = {"max_queue": 1, "close_timeout": 0.1}
    with served.connect(**options) as viewer, pytest.raises(ConnectionClosed):
        while True:
            viewer.send("x")  # each is answered with a text
    until(lambda: served.viewers == 0)


def test_requests_that_are_too_large_end_the_connection(served: Served) -> None:
    with served.connect() as viewer:
        texts(viewer)
        viewer.send("x" * (foxglove_server.MOST_REQUEST_BYTES + 1))
        with pytest.raises(ConnectionClosed):
            viewer.recv(PATIENCE_S)


# -- attacks -------------------------------------------------------------------------------------


def status_of(served: Served, **options: Any) -> int:
    with pytest.raises(InvalidStatus) as refused, served.connect(**options):
        pass
    assert served.topics.looks == 0, "nothing was looked up for it"
    return refused.value.response.status_code


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=" + "0" * 43, f"?token={TOKEN}&token={TOKEN}"]
)
def test_without_the_token_nobody_is_let_in(served: Served, query: str) -> None:
    assert status_of(served, url=f"ws://127.0.0.1:{served.port}/{query}") == 401


def test_a_page_of_another_site_gets_nothing_without_the_token(served: Served) -> None:
    url = f"ws://127.0.0.1:{served.port}/"
    assert status_of(served, url=url, origin="https://evil.example") == 401


def test_a_name_that_was_made_to_resolve_here_is_refused(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S) as caller:
        caller.sendall(
            f"GET /?token={TOKEN} HTTP/1.1\r\nHost: evil.example:{served.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: foxglove.sdk.v1\r\n\r\n".encode()
        )
        assert caller.recv(1000).startswith(b"HTTP/1.1 403")


def test_who_does_not_speak_the_protocol_is_refused(served: Served) -> None:
    assert status_of(served, subprotocols=[Subprotocol("chat")]) == 400


def test_more_viewers_than_it_serves_are_refused(served: Served) -> None:
    with ExitStack() as viewers:
        for _ in range(MOST_VIEWERS):
            viewers.enter_context(served.connect())
        until(lambda: served.viewers == MOST_VIEWERS)
        with pytest.raises(InvalidStatus) as refused, served.connect():
            pass
        assert refused.value.response.status_code == 503
    until(lambda: served.viewers == 0)
