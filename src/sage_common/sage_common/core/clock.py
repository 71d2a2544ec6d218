"""Where the time comes from: passed in, never read from the system by an algorithm."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Source of time."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch (or since the start of a simulation)."""


class SystemClock:
    """The wall clock of this machine."""

    def now_ns(self) -> int:
        return time.time_ns()


class ManualClock:
    """A clock that moves only when told to: simulation and tests."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance_to(self, now_ns: int) -> None:
        """Move forward to `now_ns`.

        Raises:
            ValueError: if that would move the clock back.
        """
        if now_ns < self._now_ns:
            raise ValueError(f"now_ns = {now_ns}: expected at least {self._now_ns}")
        self._now_ns = now_ns


def local_time(stamp_ns: int, *, with_date: bool = True) -> str:
    """A stamp as local time to the millisecond, with or without its date."""
    form = "%Y-%m-%d %H:%M:%S" if with_date else "%H:%M:%S"
    seconds, rest_ms = divmod(round(stamp_ns / NS_PER_MS), 1000)
    return f"{datetime.fromtimestamp(seconds).strftime(form)}.{rest_ms:03d}"
