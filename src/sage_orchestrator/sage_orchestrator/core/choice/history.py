"""The runs of one plugin: the newest one by one, a week of them by the day."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.choice.curve import QualityCostCurve
from sage_orchestrator.core.choice.daily import DayRecord, recent_bound_ns, with_run
from sage_orchestrator.core.choice.histogram import Histogram
from sage_orchestrator.core.choice.run_record import RunRecord

RUNS_KEPT = 24
WHOLE_RUNS_KEPT = 8
"""The newest of each modality, from which its curve is learned, and before these the newest that
nobody stopped: what is stopped again and again would forget what its later steps are worth."""
MODALITIES_KEPT = 8
LEAST_RUNS = 4
"""Of a modality with fewer runs the curve, and what a run costs at most, are those of all."""
BOUND_SHARE = 0.9
"""Of runs, that cost at most what is expected of the next one."""


class HistoryRecord(NamedTuple):
    """A history as it is packed; `runs` and `days` by modality, oldest first."""

    runs: dict[str, tuple[RunRecord, ...]]
    days: dict[str, tuple[DayRecord, ...]]


class RunHistory:
    """What the runs of one plugin taught."""

    def __init__(self) -> None:
        self._runs: dict[str, deque[RunRecord]] = {}
        self._days: dict[str, tuple[DayRecord, ...]] = {}
        self._curves: dict[str, QualityCostCurve] = {}

    def learn(
        self, stamp_ns: int, modality: str, halted: bool,
        costs_ns: Sequence[int], energies: Sequence[float],
    ) -> None:  # fmt: skip
        """One run ended with an answer.

        Args:
            stamp_ns: of what it was about.
            halted: it ended by itself.
            costs_ns: of the first answer and of each step.
            energies: after each of these.
        """
        runs = self._runs.pop(modality, deque())
        runs.append(RunRecord.of(halted, costs_ns, energies))
        self._runs[modality] = _kept(runs)
        days = self._days.pop(modality, ())
        self._days[modality] = with_run(days, stamp_ns, costs_ns, halted)
        for kept in (self._runs, self._days):
            if len(kept) > MODALITIES_KEPT:
                del kept[next(iter(kept))]
        self._curves.clear()
        self.curve(modality)  # now, on the plugin's worker, rather than when shares are decided

    @property
    def has_runs(self) -> bool:
        """Whether any was learned."""
        return bool(self._runs)

    def curve(self, modality: str) -> QualityCostCurve:
        """What is expected of a run on this modality."""
        if modality not in self._curves:
            runs = tuple(self._runs.get(modality, ()))
            if len(runs) < LEAST_RUNS:
                runs = tuple(run for each in self._runs.values() for run in each)
            self._curves[modality] = QualityCostCurve(runs)
        return self._curves[modality]

    def first_bound_ns(self, modality: str) -> int | None:
        """What the first answer of a run costs at most, nine times of ten; None: few ran."""
        return self._bound_ns(modality, lambda day: day.first)

    def whole_bound_ns(self, modality: str) -> int | None:
        """What a run that nobody stops costs at most, nine times of ten; None: few ran."""
        return self._bound_ns(modality, lambda day: day.whole)

    def _bound_ns(self, modality: str, costs: Callable[[DayRecord], Histogram]) -> int | None:
        own = reversed(self._days.get(modality, ()))
        every = sorted((d for days in self._days.values() for d in days), key=lambda d: -d.day)
        bounds = (
            recent_bound_ns(map(costs, days), BOUND_SHARE, LEAST_RUNS) for days in (own, every)
        )
        return next((bound for bound in bounds if bound is not None), None)

    @property
    def record(self) -> HistoryRecord:
        """As it is packed."""
        runs = {name: tuple(r) for name, r in self._runs.items()}
        return HistoryRecord(runs, dict(self._days))

    @classmethod
    def of(cls, record: HistoryRecord) -> RunHistory:
        """The history of a record.

        Raises:
            InvalidInput: costs and energies, or bins and counts, are not of one length.
        """
        for name, runs in record.runs.items():
            for run in runs:
                _check_pairs(f"runs.{name}", run.costs_ns, run.energies)
        for name, days in record.days.items():
            for day in days:
                _check_pairs(f"days.{name}.{day.day}.first", *day.first)
                _check_pairs(f"days.{name}.{day.day}.whole", *day.whole)
        history = cls()
        history._runs = {name: _kept(deque(r)) for name, r in record.runs.items()}
        history._days = dict(record.days)
        return history


def _kept(runs: deque[RunRecord]) -> deque[RunRecord]:
    older, newest = list(runs)[:-RUNS_KEPT], list(runs)[-RUNS_KEPT:]
    whole = [run for run in older if run.halted]
    return deque([*whole[-WHOLE_RUNS_KEPT:], *newest])


def _check_pairs(field: str, one: Sequence[float], other: Sequence[float]) -> None:
    if len(one) != len(other):
        raise InvalidInput(field, f"{len(one)} and {len(other)}", "as many of one as of the other")
