"""What each process of the graph takes, held to what it was recorded to take."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from sage.run.session import Session
from sage.soak.budgets import UNITS, most_allowed, write_budgets
from sage.soak.family import COMMAND
from sage.soak.samples_file import Look
from sage.soak.verdict import verdict_of
from sage.soak.watch import look_at
from sage_bench.result import BUDGETS, Row

BEFORE_KIND = ": "
SETTLED_S = 5.0
"""What a process takes until then belongs to its start."""
PERIOD_S = 1.0


class ProcessUse:
    """Looks at the processes of a session once a second; `tick` is its `on_tick`."""

    def __init__(self) -> None:
        self._looks: list[Look] = []

    def tick(self, session: Session) -> None:
        """Look, if a second is over."""
        now_s = session.elapsed_s
        if now_s > 0.0 and (not self._looks or now_s >= self._looks[-1].time_s + PERIOD_S):
            self._looks.append(look_at(os.getpid(), session.observer, session.home, now_s))

    def taken(self) -> dict[str, dict[str, float]]:
        """Process -> CPU [% of a core], memory [MB, the most], messages published [1/s]."""
        taken = verdict_of(self._looks, {}, SETTLED_S).taken()
        taken.pop(COMMAND, None)  # here it is the bench
        return taken


def budget_rows(
    taken: Mapping[str, Mapping[str, float]], recorded: Mapping[str, Mapping[str, float]]
) -> list[Row]:
    """A row for each process and kind, with what is allowed as its goal.

    A process of which nothing is recorded has no goal; nor has one that does not run a row.
    """
    rows = []
    for process, kinds in sorted(taken.items()):
        for kind, value in kinds.items():
            usual = recorded.get(process, {}).get(kind)
            goal = None if usual is None else most_allowed(usual)
            beside = {} if usual is None else {"recorded": usual}
            rows.append(
                Row(f"{process}{BEFORE_KIND}{kind}", value, UNITS[kind], goal, baselines=beside)
            )
    return rows


def notes(rows: Iterable[Row], recorded: Mapping[str, object]) -> tuple[str, ...]:
    """Which processes are over their budget, and which have none."""
    ours = [(row, *_parts(row)) for row in rows if _parts(row)[1] in UNITS]
    over = [f"{row.name} {row.value:.3g} {row.unit}" for row, *_ in ours if row.met is False]
    without = sorted({process for _, process, _ in ours} - set(recorded))
    return (
        *(f"over its budget: {text}" for text in over),
        *(f"{process} has no budget in {BUDGETS}" for process in without),
    )


def record_budgets(rows: Iterable[Row], path: Path = BUDGETS) -> None:
    """Record what was measured; processes that were not measured keep theirs."""
    taken: dict[str, dict[str, float]] = {}
    for row in rows:
        process, kind = _parts(row)
        if kind in UNITS:
            taken.setdefault(process, {})[kind] = row.value
    write_budgets(taken, path)


def _parts(row: Row) -> tuple[str, str]:
    """The process and the kind of a row; the kind of another row is none of ours."""
    process, _, kind = row.name.partition(BEFORE_KIND)
    return process, kind
