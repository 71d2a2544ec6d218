"""Requests that are too large, too slow, too many or none, each of which is refused."""

from __future__ import annotations

import http.client
import socket
import time
from typing import Any

import pytest
from http_requests import BEARER, JSON, PATIENCE_S, ask, code, raw
from stand_in import TOKEN, Served

from sage_gateway.backends import application, guard, protocol
from sage_gateway.core import streams


def test_a_large_body_is_refused_whether_or_not_it_says_so(served: Served) -> None:
    body = {"reward": 1, "note": "x" * application.MOST_BODY_BYTES}
    assert code(ask(served, "/api/outcome", "POST", body, **JSON)) == (413, "too_large")
    head = f"POST /api/outcome HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    head += f"Content-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    answer = raw(served, head.encode() + 5 * chunk)  # and no end
    assert answer.startswith(b"HTTP/1.1 413") and b'"too_large"' in answer


def test_a_large_head_is_refused(served: Served) -> None:
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nX: ".encode()
    assert raw(served, head + b"x" * 2 * protocol.MOST_HEAD_BYTES).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"])
def test_half_a_head_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    assert raw(served, sent) == b""


def test_half_a_second_head_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.2)
    one = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    assert raw(served, f"{one}\r\n{one}".encode()).count(b"HTTP/1.1 200") == 1


def test_half_a_body_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "BODY_TIMEOUT_S", 0.2)
    head = f"POST /api/outcome HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Length: 99\r\n"
    head += f"Content-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    answer = raw(served, head.encode() + b'{"reward":')
    assert answer.startswith(b"HTTP/1.1 408") and b'"slow"' in answer


def test_connections_above_the_limit_are_closed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MOST_CONNECTIONS", 3)
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(3)]
    for connection in held:  # the server has each once it answers
        connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask(served, "/")
    for connection in held:
        connection.close()
    until(lambda: _serves(served))


def _serves(site: Served) -> bool:
    try:
        return ask(site, "/")[0] == 200
    except (ConnectionError, http.client.RemoteDisconnected):
        return False


def until(condition: Any) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.01)


def test_streams_above_the_limit_are_refused(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_VIEWERS", 2)
    connections = []
    for _ in range(2):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_S)
        connection.request("GET", "/api/events", headers=BEARER)
        assert connection.getresponse().status == 200
        connections.append(connection)
    assert code(ask(served, "/api/events", **BEARER)) == (503, "too_many")
    for connection in connections:
        connection.close()
    until(lambda: served.graph.watched[0] == 0)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    status, headers, _ = ask(served, "/api/status", method, **BEARER)
    assert status == 405 and "access-control-allow-methods" not in headers
    assert code(ask(served, "/api/status", "POST", {}, **JSON)) == (405, "wrong_method")
    assert code(ask(served, "/api/pin", **BEARER)) == (405, "wrong_method")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"NaN", b'{"reward": NaN}', b'{"reward": 1e999}',
             b'{"reward": "1"}', b'{"reward": 2}', b'{"reward": 1, "more": 1}', b"[" * 16000,
             b'{"reward": 1, "note": "\\ud800"}', b'{"reward": 1, "note": 5}', b"\xff"],
)  # fmt: skip
def test_what_is_no_request_is_refused_and_named(served: Served, body: bytes) -> None:
    answer = ask(served, "/api/outcome", "POST", body, **JSON)
    assert code(answer) == (400, "invalid")
    assert answer[2]["error"]["field"] in ("body", "reward", "more", "note")
    assert served.graph.done == []


def test_a_request_that_takes_too_long_is_ended(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "REQUEST_TIMEOUT_S", 0.2)
    monkeypatch.setattr(application, "BODY_TIMEOUT_S", PATIENCE_S)
    head = f"POST /api/outcome HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nContent-Length: 99\r\n"
    head += f"Content-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    assert raw(served, head.encode()).startswith(b"HTTP/1.1 408")
