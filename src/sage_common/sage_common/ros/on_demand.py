"""An input that is subscribed only while somebody wants it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from sage_common.core.health import InputHealth

T = TypeVar("T")


class OnDemand(Generic[T]):
    """Its newest item while it is open; closed, it costs nothing and may be silent.

    Args:
        newest: the newest item that is kept; None: there is none.
        clear: forgets what is kept.
        subscribe: begins, and returns what ends that.
        health: of the topic, which is expected to be alive only while it is open.
        guard: of the node.
    """

    def __init__(
        self,
        newest: Callable[[], T | None],
        clear: Callable[[], None],
        subscribe: Callable[[], Callable[[], None]],
        health: InputHealth,
        guard: AbstractContextManager[Any],
    ) -> None:
        self._newest = newest
        self._clear = clear
        self._subscribe = subscribe
        self._health = health
        self._expected = health.rate_hz, health.max_age_s
        self._guard = guard
        self._end: Callable[[], None] | None = None
        self._expect(0.0, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether it is subscribed."""
        return self._end is not None

    def newest(self) -> T | None:
        """The newest item; None: there is none, or it is closed."""
        return self._newest() if self.is_open else None

    def open(self) -> None:
        """Somebody wants it; from any thread."""
        with self._guard:
            if self._end is None:
                self._clear()  # something may have come after it was closed
                self._expect(*self._expected)
                self._end = self._subscribe()

    def close(self) -> None:
        """Nobody does any more; from any thread."""
        with self._guard:
            end, self._end = self._end, None
            if end is not None:
                end()
                self._clear()
                self._expect(0.0, 0.0)

    def _expect(self, rate_hz: float, max_age_s: float) -> None:
        self._health.expect(rate_hz)
        self._health.max_age_s = max_age_s
