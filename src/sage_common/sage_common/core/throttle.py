"""At most one log line a period for each cause."""

from __future__ import annotations

from types import FrameType

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful


class Throttle(Stateful):
    """Decides whether a repeated line is due again."""

    _next_ns: State[dict[str, int]]

    def __init__(self) -> None:
        self._next_ns = {}

    def due(self, now_ns: int, period_s: float, key: str) -> bool:
        """True if `key` was not due within the last `period_s`; always true for 0."""
        if period_s <= 0.0:
            return True
        if now_ns < self._next_ns.get(key, now_ns):
            return False
        self._next_ns[key] = now_ns + round(period_s * NS_PER_S)
        return True


def call_site(logger: FrameType | None) -> str:
    """File and line of whoever called the function that runs in the frame `logger`."""
    caller = logger.f_back if logger is not None else None
    return f"{caller.f_code.co_filename}:{caller.f_lineno}" if caller is not None else ""
