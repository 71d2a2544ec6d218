"""What was learned, hour by hour and day by day: trust, weights, rewards, and steps of runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_gateway.core.contract.answers import Learning, LearningPeriod
from sage_gateway.core.period_table import PeriodTable

HOUR_S, DAY_S = 3600, 86_400
HOURS_KEPT, DAYS_KEPT = 8 * 24, 90
DIGITS = 4
_Row: TypeAlias = Mapping[str, float]


class LearningHistory(Stateful):
    """Outlives restarts: the last 8 days by the hour, the last 90 by the day. Times are given [s].

    A column is named by its kind and what it is of: `trust/look`.
    """

    _hours: State[PeriodTable]
    _days: State[PeriodTable]

    def __init__(self) -> None:
        self._hours = PeriodTable(HOUR_S, HOURS_KEPT)
        self._days = PeriodTable(DAY_S, DAYS_KEPT)

    def sample(
        self, time_s: float, trust: Mapping[str, float], weights: Mapping[str, float]
    ) -> None:
        """How it is now.

        Args:
            trust: in each plugin.
            weights: of each live modality in fusion.
        """
        seen = {f"weight/{name}": weight for name, weight in weights.items()}
        seen |= {f"samples/{name}": 1.0 for name in weights}
        for table in (self._hours, self._days):
            table.put(time_s, {f"trust/{name}": value for name, value in trust.items()})
            table.add(time_s, seen)

    def run(self, time_s: float, plugin: str, steps: int) -> None:
        """A plugin's own run ended by itself."""
        for table in (self._hours, self._days):
            table.add(time_s, {f"runs/{plugin}": 1.0, f"steps/{plugin}": float(steps)})

    def outcome(self, time_s: float, reward: float) -> None:
        """Something was judged, from -1 to 1."""
        judged = {"good/": float(reward > 0.0), "bad/": float(reward < 0.0)}
        for table in (self._hours, self._days):
            table.add(time_s, {"outcomes/": 1.0, "reward/": reward, **judged})

    def answer(self) -> Learning:
        """All of it."""
        hours, days = (tuple(_period(*row) for row in t) for t in (self._hours, self._days))
        return Learning(hours, days)


def _period(start_s: int, row: _Row) -> LearningPeriod:
    outcomes = row.get("outcomes/", 0.0)
    runs, samples = dict(_columns(row, "runs")), dict(_columns(row, "samples"))
    return LearningPeriod(
        start_s=float(start_s),
        trust={name: round(value, DIGITS) for name, value in _columns(row, "trust")},
        runs={name: round(count) for name, count in runs.items()},
        steps={name: round(row[f"steps/{name}"] / count, 2) for name, count in runs.items()},
        weights={n: round(row[f"weight/{n}"] / count, DIGITS) for n, count in samples.items()},
        outcomes=round(outcomes),
        good=round(row.get("good/", 0.0)),
        bad=round(row.get("bad/", 0.0)),
        reward=round(row["reward/"] / outcomes, DIGITS) if outcomes else None,
    )


def _columns(row: _Row, kind: str) -> Iterator[tuple[str, float]]:
    """What there is of a kind in a period, by what it is of."""
    for name, value in row.items():
        found, _, of = name.partition("/")
        if found == kind and value:
            yield of, value
