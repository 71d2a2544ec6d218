"""Keeping a plugin that fails repeatedly away from the budget, for longer each time."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful


@dataclass(frozen=True)
class CircuitBreakerRules:
    """When and for how long.

    Attributes:
        after: consecutive failures that isolate, at least 1.
        first_ns, longest_ns: length of the first isolation, and the most that doubling leads to.
        abandoned_limit: hung threads after which the plugin stays isolated: each holds memory
            that cannot be had back before the process ends.
    """

    after: int
    first_ns: int
    longest_ns: int
    abandoned_limit: int


class CircuitBreaker(Stateful):
    """Failures of one plugin. When isolation ends one run is tried; if it fails, out again."""

    new_keys = frozenset({"last"})
    _in_a_row: State[int] = 0
    _times: State[int] = 0
    _until_ns: State[int | None] = None
    _last: State[str] = ""
    failures: State[int] = 0
    abandoned: State[int] = 0

    def __init__(self, rules: CircuitBreakerRules) -> None:
        self._rules = rules

    def succeeded(self) -> None:
        """A run ended well: earlier failures are forgiven, though still counted."""
        self._in_a_row = 0
        self._times = 0

    def failed(self, now_ns: int, why: str, hung: bool = False) -> None:
        """A run failed, `why` in words; `hung`: it left a thread behind."""
        self.failures += 1
        self._last = why
        self.abandoned += hung
        self._in_a_row += 1
        if self._in_a_row < self._rules.after:
            return
        # The exponent is bounded: a plugin that fails for years must not grow the number.
        length = min(self._rules.longest_ns, self._rules.first_ns << min(self._times, 40))
        self._times += 1
        self._until_ns = now_ns + length

    def reset(self) -> None:
        """The plugin was replaced: it may run at once, unless too many threads hang."""
        self._in_a_row = 0
        self._times = 0
        self._until_ns = None

    @property
    def is_final(self) -> bool:
        """Whether it hung so often that it stays out."""
        return self.abandoned >= self._rules.abandoned_limit

    def remaining_ns(self, now_ns: int) -> int:
        """Time until it may run again; 0: it may. Meaningless if `is_final`."""
        return 0 if self._until_ns is None else max(0, self._until_ns - now_ns)

    def isolated(self, now_ns: int) -> bool:
        """Whether it gets no budget now."""
        return self.is_final or self.remaining_ns(now_ns) > 0

    @property
    def trouble(self) -> str:
        """What is wrong until a run ends well, and for good once a thread hangs; in words."""
        found = []
        if self._in_a_row >= self._rules.after:
            found.append(
                f"{self._in_a_row} failures in a row, isolated again and again; last: {self._last}"
            )
        if self.abandoned:
            limit = self._rules.abandoned_limit
            found.append(
                f"{self.abandoned} of its threads hang, at {limit} it stays isolated until restart"
            )
        return "; ".join(found)

    def reason(self, now_ns: int) -> str:
        """Why it is isolated, in words."""
        if self.is_final:
            return f"{self.abandoned} of its threads hang: out until restart"
        seconds = self.remaining_ns(now_ns) / 1e9
        return f"{self._in_a_row} failures in a row: out for {seconds:.1f} s; last: {self._last}"
