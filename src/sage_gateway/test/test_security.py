"""Attacks on the server by who may not ask, each of which is refused."""

from __future__ import annotations

import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from http_requests import BEARER, JSON, PATIENCE_S, ask, code, raw
from stand_in import KNOWN, TOKEN, Served

from sage_common.core.errors import InvalidInput
from sage_gateway.backends.listening import listen, listen_unix
from sage_gateway.core.contract.endpoints import ENDPOINTS
from sage_gateway.core.token import FILE, Gatekeeper, token_of


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if not e.is_open], ids=lambda e: f"{e.method} {e.path}"
)
def test_nothing_is_served_without_a_token(served: Served, endpoint: Any) -> None:
    path = endpoint.path.format(sha256=KNOWN)
    assert code(ask(served, path, endpoint.method, {})) == (401, "no_token")
    assert served.graph.done == []


@pytest.mark.parametrize("shown", ["Bearer " + "u" * 43, "Bearer", "Basic " + TOKEN, "Bearer \xe9"])
def test_a_wrong_token_is_refused(served: Served, shown: str) -> None:
    assert code(ask(served, "/api/status", Authorization=shown)) == (401, "wrong_token")


def test_tokens_and_cookies_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comparison is of two digests of one length, by the function that is made for it."""
    lengths: list[tuple[int, int]] = []

    def compared(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("sage_gateway.core.token.hmac.compare_digest", compared)
    gatekeeper = Gatekeeper(TOKEN)
    shown = ("", TOKEN[:-1], TOKEN, "x" * 100_000, "\ud800")
    assert [gatekeeper.is_token(text) for text in shown] == [text == TOKEN for text in shown]
    assert gatekeeper.is_cookie(gatekeeper.cookie) and not gatekeeper.is_cookie(TOKEN)
    assert set(lengths) == {(32, 32)} and len(lengths) == len(shown) + 2


@pytest.mark.parametrize("token", ["", TOKEN])
def test_a_websocket_is_opened_for_nobody(served: Served, token: str) -> None:
    head = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    head += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    head += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    head += f"Authorization: Bearer {token}\r\n\r\n" if token else "\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200" if token else b"HTTP/1.1 401")
    assert b"sec-websocket-accept" not in answer.lower()


def test_a_stream_needs_the_token(served: Served) -> None:
    served.graph.watched = 0, frozenset()  # a viewer who has just gone is still counted
    assert code(ask(served, "/api/events?also=camera")) == (401, "no_token")
    wrong = {"Authorization": "Bearer " + "u" * 43}
    assert code(ask(served, "/api/events", **wrong)) == (401, "wrong_token")
    assert served.graph.watched[0] == 0


def test_a_wrong_token_or_cookie_is_no_session(served: Served) -> None:
    header = {"Content-Type": "application/json"}
    assert code(ask(served, "/api/session", "POST", {"token": "u" * 43}, **header)) == (
        401, "wrong_token",
    )  # fmt: skip
    cookie = f"sage_gateway_{served.port}={TOKEN}"  # the token itself is no cookie
    assert code(ask(served, "/api/status", Cookie=cookie)) == (401, "wrong_token")


def test_the_token_opens_a_session_whose_cookie_no_script_and_no_other_site_gets(
    served: Served,
) -> None:
    header = {"Content-Type": "application/json"}
    status, headers, _ = ask(served, "/api/session", "POST", {"token": TOKEN}, **header)
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert status == 200 and {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert TOKEN not in cookie
    assert ask(served, "/api/status", Cookie=cookie)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "127.0.0.1",
             "127.0.0.1:1", "127.0.0.2:{port}", "[::1]:{port}", "127.0.0.1:{port}@evil.example",
             "0x7f.1:{port}", "2130706433:{port}", "", "127.0.0.1:{port},evil.example"],
)  # fmt: skip
def test_a_rebound_name_is_refused(served: Served, host: str) -> None:
    """A page whose name was made to resolve to this host sends that name."""
    headers = {**BEARER, "Host": host.format(port=served.port)}
    assert code(ask(served, "/api/status", **headers)) == (403, "wrong_host")
    assert code(ask(served, "/", **headers)) == (403, "wrong_host")


def test_two_hosts_or_none_are_refused(served: Served) -> None:
    head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    for request in (f"{head}Host: evil.example\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"):
        assert raw(served, request.encode()).startswith(b"HTTP/1.1 400")
    assert b"wrong_host" in raw(served, b"GET / HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1"])
def test_the_address_itself_is_let_pass(served: Served, name: str) -> None:
    here = f"{name}:{served.port}"
    headers = {**JSON, "Host": here, "Origin": f"http://{here}"}
    assert ask(served, "/api/pin", "POST", {"id": "x", "pinned": True}, **headers)[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}",
               "http://localhost:{port}", "http://127.0.0.1:{port}.evil.example",
               "http://127.0.0.1:{port}/", "http://evil@127.0.0.1:{port}", "http://[", ""],
)  # fmt: skip
def test_a_post_of_another_page_is_refused(served: Served, origin: str) -> None:
    headers = {**JSON, "Origin": origin.format(port=served.port)}
    answer = ask(served, "/api/outcome", "POST", {"reward": 1}, **headers)
    assert code(answer) == (403, "wrong_origin")
    assert "access-control-allow-origin" not in answer[1]
    assert served.graph.done == []


def test_a_cookie_without_origin_changes_nothing(served: Served) -> None:
    cookie = f"sage_gateway_{served.port}={Gatekeeper(TOKEN).cookie}"
    headers = {"Cookie": cookie, "Content-Type": "application/json"}
    answer = ask(served, "/api/outcome", "POST", {"reward": 1}, **headers)
    assert code(answer) == (403, "wrong_origin")
    assert ask(served, "/api/status", Cookie=cookie)[0] == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_cannot_act(served: Served, kind: str) -> None:
    headers = {**BEARER, "Content-Type": kind}
    assert code(ask(served, "/api/outcome", "POST", {"reward": 1}, **headers)) == (
        415, "wrong_type",
    )  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/page/../../../../etc/passwd", "/page/%2e%2e/%2e%2e/etc/passwd", "/page//etc/passwd",
             "/page/..%5c..%5cetc", "/page/js/../index.html", "/../etc/passwd", "/page/",
             "/api/payloads/..%2f..%2fgateway_token", "/api/payloads/" + "g" * 64,
             "/api/payloads/%2e%2e/picture", "/api/payloads/" + "AB" * 32],
)  # fmt: skip
def test_no_path_leads_out_of_page_and_payloads(served: Served, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    request += f"Authorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    answer = raw(served, request.encode())
    assert answer.startswith(b"HTTP/1.1 404") and b"not_found" in answer


def test_an_unconfirmed_forget_is_refused(served: Served) -> None:
    def forget(confirmation: str, *ids: str) -> Any:
        body = {"ids": list(ids), "confirmation": confirmation}
        return ask(served, "/api/forget", "POST", body, **JSON)

    refused = (409, "not_confirmed")
    assert code(ask(served, "/api/forget", "POST", {"ids": ["a"]}, **JSON)) == (400, "invalid")
    assert code(forget("guessed", "a")) == refused
    plan = ask(served, "/api/forget/plan", "POST", {"ids": ["a"]}, **JSON)[2]
    assert code(forget(plan["confirmation"], "a", "b")) == refused
    assert code(forget(plan["confirmation"], "a")) == refused  # it was used up
    assert served.graph.done == []
    plan = ask(served, "/api/forget/plan", "POST", {"ids": ["a", "b"]}, **JSON)[2]
    assert forget(plan["confirmation"], "b", "a")[2] == {"forgotten": 2, "bytes_freed": 1}
    assert code(forget(plan["confirmation"], "b", "a")) == refused
    assert len(served.graph.done) == 1


@pytest.mark.parametrize("endpoint", [e for e in ENDPOINTS if e.acts], ids=lambda e: e.path)
def test_a_read_only_gateway_changes_nothing(read_only: Served, endpoint: Any) -> None:
    assert code(ask(read_only, endpoint.path, "POST", {}, **JSON)) == (403, "read_only")
    assert read_only.graph.done == []


@pytest.mark.parametrize("path", ["/", "/page/js/app.js", "/api/status", "/nothing", "/metrics"])
def test_every_answer_keeps_a_browser_from_running_or_framing_others(
    served: Served, path: str
) -> None:
    _, headers, _ = ask(served, path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "data:" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] in ("no-store", "private, no-cache")
    assert not {"server", "access-control-allow-origin"} & set(headers)


def test_the_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    token = token_of(tmp_path)
    assert len(token) == 43 and token_of(tmp_path) == token
    path = tmp_path / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(InvalidInput, match="0600"):
        token_of(tmp_path)
    path.unlink()
    (tmp_path / "elsewhere").write_text("e" * 43)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        token_of(tmp_path)
    path.unlink()
    path.touch(0o600)
    with pytest.raises(InvalidInput, match="43"):
        token_of(tmp_path)


def test_a_unix_socket_is_for_its_owner_alone_and_replaces_only_a_dead_one(tmp_path: Path) -> None:
    path = tmp_path / "page.sock"
    listener = listen_unix(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(InvalidInput, match="a path for a socket"):
        listen_unix(path)  # it is served
    listener.close()
    with Served(listener=listen_unix(path)):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(path))
        head = f"GET /api/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        client.sendall(f"{head}\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
        client.close()
    path.unlink()
    path.write_text("precious")
    with pytest.raises(InvalidInput):
        listen_unix(path)
    assert path.read_text() == "precious"


def test_a_port_that_is_taken_or_an_address_that_is_none_is_named() -> None:
    listener = listen("127.0.0.1", 0)
    with pytest.raises(InvalidInput, match="port"):
        listen("127.0.0.1", listener.getsockname()[1])
    listener.close()
    with pytest.raises(InvalidInput, match="address"):
        listen("robot.local", 0)
