"""What caches and models may hold at each level, which is asked for by a level of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful

DEFAULTS_MB = {"CACHE": (500.0, 200.0, 50.0), "OPTIONAL": (800.0, 400.0, 100.0)}
"""At green; at yellow and orange; at red and critical."""
LEAST_MB, MOST_MB = 1.0, 1e6
_LEVELS = ("GREEN", "YELLOW", "RED")
_ROW = (0, 1, 1, 2, 2)
CALM = 0.5


@dataclass(frozen=True)
class MemoryTargets:
    """What may be held at green, yellow (orange) and red (critical) [MB].

    Attributes:
        cache_mb: by caches, which refill by themselves.
        optional_mb: by caches and models together.
    """

    cache_mb: tuple[float, float, float] = (500.0, 200.0, 50.0)
    optional_mb: tuple[float, float, float] = (800.0, 400.0, 100.0)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> MemoryTargets:
        """The defaults, and what `SAGE_CACHE_GREEN_MB`, ..., `SAGE_OPTIONAL_RED_MB` say.

        Raises:
            InvalidInput: one of them is no number of MB, or more than at the level below it; or
                there is no such variable.
        """
        known = [f"SAGE_{kind}_{level}_MB" for kind in DEFAULTS_MB for level in _LEVELS]
        for name in environment:
            if name.startswith(("SAGE_CACHE_", "SAGE_OPTIONAL_")) and name not in known:
                raise InvalidInput(name, environment[name], f"one of {', '.join(known)}")
        found = {kind: _row(environment, kind, usual) for kind, usual in DEFAULTS_MB.items()}
        return cls(found["CACHE"], found["OPTIONAL"])

    @classmethod
    def usable(cls, environment: Mapping[str, str]) -> tuple[MemoryTargets, str]:
        """Those of the environment; if one is wrong, the defaults, and why in words."""
        try:
            return cls.of_environment(environment), ""
        except InvalidInput as error:
            return cls(), f"targets are the defaults: {error}"

    def at(self, level: int) -> tuple[float, float]:
        """What caches, and caches and models together, may hold at a level [MB]."""
        return self.cache_mb[_ROW[level]], self.optional_mb[_ROW[level]]


class ReclaimLevel(Stateful):
    """At which level caches and models are asked to give back.

    That of pressure, or as much higher as they need to come below their targets; lower again when
    they were below half of them for a time.

    Args:
        targets: what they may hold.
        hold_ns: that time.
    """

    _raised: Transient[int] = 0
    _full_ns: Transient[int] = 0

    def __init__(self, targets: MemoryTargets, hold_ns: int) -> None:
        self.targets = targets
        self._hold_ns = hold_ns

    def at(self, level: int) -> int:
        """The level to ask at, while pressure is at `level`."""
        return min(level + self._raised, int(PressureLevel.CRITICAL))

    def update(self, now_ns: int, level: int, cache_mb: float, optional_mb: float) -> bool:
        """Take what they hold now [MB]; True if they are to be asked at another level."""
        before = self._raised
        cache_target_mb, optional_target_mb = self.targets.at(level)
        share = max(cache_mb / cache_target_mb, optional_mb / optional_target_mb)
        if share >= CALM:
            self._full_ns = now_ns
        if share > 1.0 and self.at(level) < PressureLevel.CRITICAL:
            self._raised += 1
        elif self._raised and now_ns - self._full_ns >= self._hold_ns:
            self._raised -= 1
            self._full_ns = now_ns
        return self._raised != before


def _row(
    environment: Mapping[str, str], kind: str, usual: tuple[float, float, float]
) -> tuple[float, float, float]:
    row: list[float] = []
    for level, default in zip(_LEVELS, usual, strict=True):
        name = f"SAGE_{kind}_{level}_MB"
        most = row[-1] if row else MOST_MB
        value = _number(environment[name]) if name in environment else min(default, most)
        if not LEAST_MB <= value <= most:
            expected = f"MB from {LEAST_MB:g} to {most:g}"
            raise InvalidInput(name, environment[name], expected)
        row.append(value)
    return row[0], row[1], row[2]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
