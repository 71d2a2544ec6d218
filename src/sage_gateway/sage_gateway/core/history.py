"""The last ten minutes, a point a second, in constant memory."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from sage_gateway.core.contract.events import HistoryPoint

PERIOD_S = 1.0
POINTS = 600
DIGITS = 4


@dataclass(frozen=True)
class Condition:
    """What holds at the end of a second; empty or None: not known."""

    state: str = ""
    pressure: str = ""
    energy_reserve: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    trust: Mapping[str, float] = field(default_factory=dict)


class History:
    """Collects a second, and keeps those that have ended."""

    def __init__(self) -> None:
        self.points: deque[HistoryPoint] = deque(maxlen=POINTS)
        self._begin()

    def _begin(self) -> None:
        self._most: tuple[float, float, str, str, dict[str, float]] | None = None
        self._spent_by: dict[str, float] = defaultdict(float)
        self._budget_atp: float | None = None
        self._experiences = 0

    def salience(
        self, total: float, stamp_s: float, reason: str, dominant: str, by: Mapping[str, float]
    ) -> None:
        """A moment and the salience of its modalities; the most salient of the second stays."""
        if self._most is None or total > self._most[0]:
            self._most = total, stamp_s, reason, dominant, dict(by)

    def cycle(self, budget_atp: float, spent_by: Mapping[str, float]) -> None:
        """A budget cycle has ended."""
        self._budget_atp = (self._budget_atp or 0.0) + budget_atp
        for plugin, atp in spent_by.items():
            self._spent_by[plugin] += atp

    def experience(self) -> None:
        """A moment was kept."""
        self._experiences += 1

    def close_second(self, time_s: float, now: Condition) -> HistoryPoint:
        """The second that ends now."""
        total, stamp_s, reason, dominant, by = self._most or (None, None, "", "", {})
        is_known = self._budget_atp is not None
        point = HistoryPoint(
            time_s=time_s,
            total=total,
            stamp_s=stamp_s,
            reason=reason,
            dominant=dominant,
            modalities={name: round(value, DIGITS) for name, value in by.items()},
            spent_atp=round(sum(self._spent_by.values()), 1) if is_known else None,
            budget_atp=None if self._budget_atp is None else round(self._budget_atp, 1),
            spent_by={name: round(atp, 1) for name, atp in self._spent_by.items()},
            trust={name: round(value, DIGITS) for name, value in now.trust.items()},
            state=now.state,
            pressure=now.pressure,
            energy_reserve=now.energy_reserve,
            temperature_c=now.temperature_c,
            power_w=now.power_w,
            experiences=self._experiences,
        )
        self.points.append(point)
        self._begin()
        return point
