"""At most one log line a period for each cause."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType

from sage_common.core.clock import NS_PER_S


class Throttle:
    """Decides whether a repeated line is due again."""

    def __init__(self) -> None:
        self._next_ns: dict[str, int] = {}

    def due(self, now_ns: int, period_s: float, key: str) -> bool:
        """True if `key` was not due within the last `period_s`; always true for 0."""
        if period_s <= 0.0:
            return True
        if now_ns < self._next_ns.get(key, now_ns):
            return False
        self._next_ns[key] = now_ns + round(period_s * NS_PER_S)
        return True

    def state(self) -> dict[str, int]:
        """When each cause is due again [ns]."""
        return dict(self._next_ns)

    def restore(self, state: Mapping[str, int]) -> None:
        """Continue from `state()`."""
        self._next_ns = dict(state)


def call_site(logger: FrameType | None) -> str:
    """File and line of whoever called the function that runs in the frame `logger`."""
    caller = logger.f_back if logger is not None else None
    return f"{caller.f_code.co_filename}:{caller.f_lineno}" if caller is not None else ""
