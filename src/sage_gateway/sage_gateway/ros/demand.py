"""An input that several want at times: viewers, and jobs."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

from sage_common.ros.on_demand import OnDemand

T = TypeVar("T")


class SharedInput(Generic[T]):
    """Open while anybody wants it.

    Args:
        wanted: the input.
    """

    def __init__(self, wanted: OnDemand[T]) -> None:
        self._input = wanted
        self._by: set[str] = set()
        self._lock = threading.Lock()

    @property
    def newest(self) -> T | None:
        """The newest item; None: there is none."""
        return self._input.newest()

    def want(self, who: str, is_wanted: bool) -> None:
        """Somebody wants it, or no more."""
        with self._lock:
            (self._by.add if is_wanted else self._by.discard)(who)
            (self._input.open if self._by else self._input.close)()

    def close(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._by.clear()
            self._input.close()
