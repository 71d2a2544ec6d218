"""Waiting times between attempts to open a lost device."""

from __future__ import annotations

from sage_common.core.clock import NS_PER_S


class BackOff:
    """Doubles the wait after each failure, from `first_s` to `longest_s`.

    Args:
        first_s: wait after the first failure [s], > 0.
        longest_s: longest wait [s], >= first_s.
    """

    def __init__(self, first_s: float = 1.0, longest_s: float = 30.0) -> None:
        if not 0.0 < first_s <= longest_s:
            raise ValueError(f"first_s = {first_s}: expected above 0 and at most {longest_s}")
        self._first_s = first_s
        self._longest_s = longest_s
        self._wait_s = first_s
        self._failed_ns = self._ready_ns = 0

    def failed(self, now_ns: int) -> float:
        """Note a failure; the wait [s] until the next attempt."""
        wait_s = self._wait_s
        self._failed_ns, self._ready_ns = now_ns, now_ns + round(wait_s * NS_PER_S)
        self._wait_s = min(2.0 * wait_s, self._longest_s)
        return wait_s

    def succeeded(self) -> None:
        """Note a success: the next failure waits `first_s` again."""
        self._wait_s = self._first_s
        self._failed_ns = self._ready_ns = 0

    def ready(self, now_ns: int) -> bool:
        """True when the next attempt is due, or the clock has been set back since the last."""
        return not self._failed_ns <= now_ns < self._ready_ns
