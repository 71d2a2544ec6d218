"""A stand-in for the server of a language model: it says the same words always, at a known pace.

It has no model and computes nothing; it waits as long as a model would take.
"""

from __future__ import annotations

import json
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

WORDS = ("the", "robot", "sees", "a", "red", "ball", "near", "it")


@dataclass(frozen=True)
class Pace:
    """How long it takes.

    Attributes:
        base_s: of any prompt.
        character_s: of each character of it.
        token_s: of each token.
        spread: standard deviation of a whole answer's pace, and of each token's, as a part of it.
    """

    base_s: float
    character_s: float
    token_s: float
    spread: float


@dataclass
class StandIn:
    """The server, and what became of its answers.

    Attributes:
        url: of it.
        busy_s: for which it has worked for each whole answer, in the order of their ends.
        left_s: when it noticed, by the monotonic clock, that nobody reads an answer any more.
    """

    url: str
    busy_s: list[float] = field(default_factory=list)
    left_s: list[float] = field(default_factory=list)


@contextmanager
def stand_in(pace: Pace, seed: int) -> Iterator[StandIn]:
    """Serve on a free port of this host."""
    random = np.random.default_rng(seed)
    served = StandIn("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            characters = sum(len(message["content"]) for message in request["messages"])
            slowness = max(0.2, random.normal(1.0, pace.spread))
            began_s = time.monotonic()
            wait_s = slowness * (pace.base_s + pace.character_s * characters)
            for number in range(request["max_tokens"]):
                if self._is_left(wait_s + slowness * self._token_s()):
                    served.left_s.append(time.monotonic())
                    return
                delta = {"content": f" {WORDS[number % len(WORDS)]}"}
                event = json.dumps({"choices": [{"index": 0, "delta": delta}]})
                self.wfile.write(f"data: {event}\n\n".encode())
                wait_s = 0.0
            served.busy_s.append(time.monotonic() - began_s)
            self.wfile.write(b"data: [DONE]\n\n")

        def _token_s(self) -> float:
            return pace.token_s * max(0.2, random.normal(1.0, pace.spread))

        def _is_left(self, wait_s: float) -> bool:
            """Wait; whether the other side closes the connection meanwhile."""
            return bool(select.select([self.connection], [], [], wait_s)[0])

        def log_message(self, *words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
