"""Servers with the chat completions of OpenAI's API: llama-server, Ollama, vLLM and others."""

from __future__ import annotations

import http.client
import ipaddress
import json
import queue
import socket
import stat
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.generation.stream import (
    LONGEST_LINE,
    GenerationError,
    Piece,
    text_of_event,
)
from sage_orchestrator.core.plugin.capabilities import ChatMessage

PATH = "/v1/chat/completions"
CONNECT_S, STALL_S = 5.0, 60.0
SPARE_PIECES = 8
"""A server may send some more pieces than tokens were asked for, and is cut off after them."""
_SHOWN_BYTES = 200


class OpenAIServer:
    """A server by its URL.

    Args:
        url: http or https, host and port; a path before `/v1` is kept.
        model: its name of the model; many servers have only one and ignore it.
        token: what it asks for as `Authorization: Bearer`; empty: nothing.
        stall_s: longest time without a piece.
        wall_ns: clock of the pieces.

    Raises:
        InvalidInput: no such URL; or it is not on this host, and there is no token.
    """

    def __init__(
        self, url: str, model: str, token: str = "", stall_s: float = STALL_S,
        wall_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:  # fmt: skip
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidInput("model_url", url, "http://HOST:PORT or https://HOST:PORT")
        if not _is_loopback(parts.hostname) and not (token and parts.scheme == "https"):
            expected = "a server on this host, or https and a model_token_file"
            raise InvalidInput("model_url", url, expected)
        self._is_https, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._path = parts.path.rstrip("/").removesuffix("/v1") + PATH
        self._model, self._token = model, token
        self._stall_s, self._wall_ns = stall_s, wall_ns

    def open(self, messages: Sequence[ChatMessage], max_tokens: int) -> _Answer:
        """See `ChatServer`."""
        kind = http.client.HTTPSConnection if self._is_https else http.client.HTTPConnection
        body = {
            "model": self._model,
            "messages": [asdict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "stream": True,
        }
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        connection = kind(self._host, self._port, timeout=CONNECT_S)
        request = (self._path, json.dumps(body).encode(), headers)
        return _Answer(connection, request, max_tokens, self._stall_s, self._wall_ns)


class _Answer:
    """An answer under way; a thread of its own reads it, so that whoever waits can give up."""

    def __init__(
        self, connection: http.client.HTTPConnection,
        request: tuple[str, bytes, dict[str, str]], max_tokens: int, stall_s: float,
        wall_ns: Callable[[], int],
    ) -> None:  # fmt: skip
        self.began_ns = wall_ns()
        self._connection, self._request = connection, request
        self._max_pieces, self._stall_s, self._wall_ns = max_tokens + SPARE_PIECES, stall_s, wall_ns
        self._found: queue.SimpleQueue[Piece | GenerationError | None] = queue.SimpleQueue()
        self._socket: socket.socket | None = None
        self._is_closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="chat answer", daemon=True)
        self._thread.start()

    def next(self, timeout_s: float) -> Piece | None:
        """See `PieceStream`."""
        try:
            found = self._found.get(timeout=timeout_s) if timeout_s else self._found.get_nowait()
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(found, GenerationError):
            raise found
        return found

    def close(self) -> None:
        """See `PieceStream`."""
        with self._lock:
            self._is_closed = True
            if self._socket is not None:
                _shut(self._socket)

    def _read(self) -> None:
        try:
            self._connect()
            self._read_pieces()
            self._found.put(None)
        except GenerationError as error:
            self._found.put(error)
        except TimeoutError:
            words = f"nothing came from the server for {self._stall_s:g} s"
            self._found.put(GenerationError(words))
        except http.client.HTTPException as error:
            words = f"no answer in HTTP: {type(error).__name__}: {str(error)[:_SHOWN_BYTES]}"
            self._found.put(GenerationError(words))
        except OSError as error:
            self._found.put(GenerationError(f"the connection to the server failed: {error}"))
        finally:
            self._connection.close()

    def _connect(self) -> None:
        try:
            self._connection.connect()
        except OSError as error:
            where = f"{self._connection.host}:{self._connection.port}"
            raise GenerationError(f"no server at {where}: {error}") from error
        opened: socket.socket = self._connection.sock
        opened.settimeout(self._stall_s)
        with self._lock:
            self._socket = opened
            if self._is_closed:
                _shut(opened)

    def _read_pieces(self) -> None:
        path, body, headers = self._request
        self._connection.request("POST", path, body, headers)
        with self._connection.getresponse() as response:
            if response.status != http.client.OK:
                said = response.read(_SHOWN_BYTES).decode("utf-8", "replace").strip()
                raise GenerationError(f"the server answers {response.status}: {said}")
            kind = response.headers.get_content_type()
            if kind != "text/event-stream":
                raise GenerationError(f"expected text/event-stream from the server, got {kind}")
            for _ in range(self._max_pieces):
                text = _next_text(response)
                if text is None:
                    return
                self._found.put(Piece(text, self._wall_ns()))
        words = f"the server does not end: {self._max_pieces} pieces came"
        raise GenerationError(f"{words}, of {self._max_pieces - SPARE_PIECES} tokens asked for")


def _next_text(response: http.client.HTTPResponse) -> str | None:
    """The next text that is not empty; None at the end."""
    while True:
        line = response.readline(LONGEST_LINE)
        if not line:
            raise GenerationError("the answer is cut off in the middle")
        text = text_of_event(line)
        if text != "":
            return text


def read_token(path: str) -> str:
    """The token in a file that only its owner may read.

    Raises:
        InvalidInput: no such file, others may read it, or it has no single line of ASCII.
    """
    if not path:
        return ""
    try:
        if Path(path).stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            expected = f"a file that only its owner may read (chmod 600 {path})"
            raise InvalidInput("model_token_file", path, expected)
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("model_token_file", path, f"a file with a token ({error})") from error
    if not token.isprintable() or not token:
        raise InvalidInput("model_token_file", path, "a file with a token in one line")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shut(opened: socket.socket) -> None:
    try:
        opened.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side has closed it already
        return
