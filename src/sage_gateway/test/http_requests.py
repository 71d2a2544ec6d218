"""What a client of the server sends, and what comes back."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from stand_in import TOKEN, Served

BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {**BEARER, "Content-Type": "application/json"}
PATIENCE_S = 60.0


def ask(
    site: Served, path: str, method: str = "GET", body: object = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body)
    connection.request(method, path, body=data, headers=sent)
    response = connection.getresponse()
    text = response.read()
    connection.close()
    is_json = response.headers.get_content_type() == "application/json"
    return response.status, dict(response.headers), json.loads(text) if is_json and text else text


def code(answer: tuple[int, dict[str, str], Any]) -> tuple[int, str]:
    return answer[0], answer[2]["error"]["code"]


def raw(site: Served, data: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE_S) as connection:
        connection.sendall(data)
        return b"".join(iter(lambda: connection.recv(65536), b""))
