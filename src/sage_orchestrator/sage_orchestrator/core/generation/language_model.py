"""A language model whose tokens are paid as they come, and whose calls are refused if too dear."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.budget.atp import to_atp, to_ns
from sage_orchestrator.core.generation.price import GenerationPrice
from sage_orchestrator.core.generation.stream import ROLES, ChatServer, PieceStream
from sage_orchestrator.core.plugin.capabilities import ChatMessage
from sage_orchestrator.core.plugin.interface import Budget, NothingToDo

POLL_S = 0.02
"""So often a run that waits for a token looks whether it is cancelled."""
LONGEST_PROMPT = 1_000_000
MOST_TOKENS = 100_000


class TooDear(NothingToDo):
    """An answer would cost more than is left: the server was not asked."""


class Generation(Iterator[str]):
    """An answer under way: its text, piece by piece; about one token each.

    Each piece is charged to the calling thread with the time that the server took for it, also what
    came while the run was paused. It ends early, and the server is told to stop, when the run is
    cancelled. It belongs to one thread.

    Attributes:
        tokens: pieces that have come.
    """

    def __init__(
        self, stream: PieceStream, budget: Budget, charge: Callable[[int], None],
        learn: Callable[[int, int, int], None],
    ) -> None:  # fmt: skip
        """`charge(ns)`; `learn(first_ns, tokens, rest_ns)` is called once, at the end."""
        self.tokens = 0
        self._stream: PieceStream | None = stream
        self._budget, self._charge, self._learn = budget, charge, learn
        self._charged_to_ns = self._began_ns = stream.began_ns
        self._first_ns = 0

    def __next__(self) -> str:
        """The next piece.

        Raises:
            StopIteration: the answer has ended, or the run is cancelled.
            GenerationError: the server failed.
        """
        while self._stream is not None and not self._budget.cancelled:
            try:
                piece = self._stream.next(POLL_S)
            except TimeoutError:
                continue
            except BaseException:  # an interrupt of the plugin, too: the server must not go on
                self.close()
                raise
            if piece is None:
                break
            self._take(piece.at_ns)
            return piece.text
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Have the server stop, and pay for what came meanwhile; closing twice does nothing."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        stream.close()
        for at_ns in _arrivals(stream):
            self._take(at_ns)
        if self.tokens:
            rest_ns = self._charged_to_ns - self._began_ns - self._first_ns
            self._learn(self._first_ns, self.tokens - 1, rest_ns)

    def __del__(self) -> None:
        self.close()

    def _take(self, at_ns: int) -> None:
        self.tokens += 1
        self._charge(max(0, at_ns - self._charged_to_ns))
        self._charged_to_ns = max(at_ns, self._charged_to_ns)
        if self.tokens == 1:
            self._first_ns = self._charged_to_ns - self._began_ns


class LanguageModel:
    """Asks a server, if the run that asks can pay.

    Args:
        server: of the model.
        charge: charges nanoseconds to the calling thread.
    """

    def __init__(self, server: ChatServer, charge: Callable[[int], None]) -> None:
        self._server, self._charge = server, charge
        self._price = GenerationPrice()
        self._lock = threading.Lock()

    def generate(
        self, messages: Sequence[ChatMessage], max_tokens: int, budget: Budget
    ) -> Generation:
        """See `capabilities.Generate`."""
        characters = _checked(messages, max_tokens)
        affordable_ns = to_ns(budget.affordable_atp)
        with self._lock:
            estimate_ns = self._price.estimate_ns(characters, max_tokens)
            too_dear = self._price.is_refused(estimate_ns, affordable_ns)
        if too_dear:
            raise TooDear(
                f"{max_tokens} tokens after {characters:,} characters would cost about "
                f"{to_atp(estimate_ns or 0):,.0f} ATP, and {to_atp(affordable_ns):,.0f} are left: "
                "the language model was not asked"
            )

        def learn(first_ns: int, tokens: int, rest_ns: int) -> None:
            with self._lock:
                self._price.learn(characters, first_ns, tokens, rest_ns)

        return Generation(self._server.open(messages, max_tokens), budget, self._charge, learn)

    def estimate_ns(self, characters: int, max_tokens: int) -> int | None:
        """Cost of an answer of so many tokens; None: not known yet."""
        with self._lock:
            return self._price.estimate_ns(characters, max_tokens)


def _arrivals(stream: PieceStream) -> Iterator[int]:
    """When the pieces came that nobody has read."""
    while True:
        try:
            piece = stream.next(0.0)
        # After the end of the answer an error of the server is of no interest to anybody.
        except (TimeoutError, RuntimeError):
            return
        if piece is None:
            return
        yield piece.at_ns


def _checked(messages: Sequence[ChatMessage], max_tokens: int) -> int:
    """Characters of the prompt."""
    if not messages:
        raise InvalidInput("messages", "none", "at least one")
    for message in messages:
        if message.role not in ROLES:
            raise InvalidInput("role", message.role, f"one of {', '.join(ROLES)}")
    characters = sum(len(message.content) for message in messages)
    if not 0 < characters <= LONGEST_PROMPT:
        raise InvalidInput("messages", f"{characters:,} characters", f"1 to {LONGEST_PROMPT:,}")
    if not 1 <= max_tokens <= MOST_TOKENS:
        raise InvalidInput("max_tokens", max_tokens, f"1 to {MOST_TOKENS:,}")
    return characters
