"""Pieces of text as they come from a server, each with when it came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sage_orchestrator.core.plugin.capabilities import ChatMessage

LONGEST_LINE = 65_536
"""Bytes of one event of a server."""
ROLES = ("system", "user", "assistant")


class GenerationError(RuntimeError):
    """The server of the language model refused, failed, or sent what it must not."""


class Piece(NamedTuple):
    """Text of a token, and when it came."""

    text: str
    at_ns: int


class PieceStream(Protocol):
    """An answer under way; read by one thread."""

    began_ns: int
    """When it was asked for."""

    def next(self, timeout_s: float) -> Piece | None:
        """The next piece.

        Raises:
            TimeoutError: none came within the time; it may be asked again.
            GenerationError: none will come, because something is wrong.

        Returns:
            None at the end of the answer.
        """

    def close(self) -> None:
        """Have the server stop; closing twice does nothing."""


class ChatServer(Protocol):
    """A server of a language model."""

    def open(self, messages: Sequence[ChatMessage], max_tokens: int) -> PieceStream:
        """Ask for an answer; what goes wrong is raised by its stream."""


def text_of_event(line: bytes) -> str | None:
    """The text of one line of a stream of chat completions; empty if it has none, None at the end.

    Raises:
        GenerationError: it is no event of such a stream, or says that the server failed.
    """
    if len(line) >= LONGEST_LINE:
        raise GenerationError(f"a line of the answer is longer than {LONGEST_LINE:,} bytes")
    if not line.startswith(b"data:"):
        return ""  # an empty line, a comment, or another field of the event
    content = line[5:].strip()
    if content == b"[DONE]":
        return None
    try:
        event = json.loads(content)
    except ValueError as error:
        raise GenerationError(f"expected JSON in an event, got {_shown(content)}") from error
    if isinstance(event, dict) and "error" in event:
        raise GenerationError(f"the server failed: {_shown(event['error'])}")
    try:
        choices = event["choices"]
        text = choices[0].get("delta", {}).get("content") or "" if choices else ""
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise GenerationError(f"expected choices in an event, got {_shown(event)}") from error
    if not isinstance(text, str):
        raise GenerationError(f"expected text in an event, got {_shown(text)}")
    return text


def _shown(found: Any) -> str:
    return repr(found)[:200]
