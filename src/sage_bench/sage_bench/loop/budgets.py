"""What each process of the graph takes, held to what it was recorded to take."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sage.run.process_commands import CONTAINER
from sage.run.process_state import process_pss_mb
from sage.run.session import Session
from sage_bench.result import Row
from sage_common.core.diagnosis.node_status import PUBLISHED, node_name

BUDGETS = Path("bench", "budgets.json")
"""Process -> kind -> what it took; `sage bench loop --record` writes it anew."""
BEFORE_KIND = ": "
UNITS = {"CPU": "% of a core", "memory": "MB", "messages": "1/s"}
MOST_TIMES, MOST_MORE = 1.8, 5.0
SETTLED_S = 5.0
"""What a process takes until then belongs to its start."""
PERIOD_S = 1.0
_TICKS_S = 1.0 / os.sysconf("SC_CLK_TCK")


@dataclass
class Use:
    """Of one process at one moment.

    Attributes:
        cpu_s: taken by its threads so far [s].
        pss_mb: its memory, what is shared in parts [MB].
        messages: published by its nodes so far.
    """

    cpu_s: float
    pss_mb: float
    messages: int


class ProcessUse:
    """Watches the processes of a session from `SETTLED_S` to its end; `tick` is its `on_tick`."""

    def __init__(self) -> None:
        self._first: dict[int, Use] = {}
        self._last: dict[int, Use] = {}
        self._names: dict[int, str] = {}
        self._begin_s = self._end_s = 0.0

    def tick(self, session: Session) -> None:
        """Look at every process, once a second."""
        now_s = session.elapsed_s
        if now_s < max(SETTLED_S, self._end_s + PERIOD_S):
            return
        self._begin_s, self._end_s = self._begin_s or now_s, now_s
        messages = published(session.observer.latest.diagnostics.values())
        if session.options.composed:
            messages = {CONTAINER: sum(messages.values())}
        for child in session.supervisor.children:
            pid = child.process.pid
            if pid is None or child.process.poll() is not None:
                continue
            use = Use(cpu_s(pid), process_pss_mb(pid), messages.get(child.name, 0))
            most_mb = max(use.pss_mb, self._last[pid].pss_mb if pid in self._last else 0.0)
            self._names[pid] = child.name
            self._first.setdefault(pid, use)
            self._last[pid] = Use(use.cpu_s, most_mb, use.messages)

    def taken(self) -> dict[str, dict[str, float]]:
        """Process -> CPU [% of a core], memory [MB, the most], messages published [1/s]."""
        seconds = self._end_s - self._begin_s
        if seconds <= 0.0:
            return {}
        return {
            self._names[pid]: {
                "CPU": 100.0 * (last.cpu_s - self._first[pid].cpu_s) / seconds,
                "memory": last.pss_mb,
                "messages": (last.messages - self._first[pid].messages) / seconds,
            }
            for pid, last in self._last.items()
        }


def published(statuses: Iterable[object]) -> dict[str, int]:
    """Messages that each node says that it has published."""
    found: dict[str, int] = {}
    for status in statuses:
        counts = (int(item.value) for item in status.values if item.key.endswith(PUBLISHED))
        found[node_name(status)] = sum(counts)
    return found


def cpu_s(pid: int) -> float:
    """CPU time that a process has taken, user and system [s]; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _TICKS_S


def budget_rows(
    taken: Mapping[str, Mapping[str, float]], recorded: Mapping[str, Mapping[str, float]]
) -> list[Row]:
    """A row for each process and kind: met up to 1.8 times the recorded figure, or 5 above it.

    A process of which nothing is recorded has no goal; nor has one that does not run a row.
    """
    rows = []
    for process, kinds in sorted(taken.items()):
        for kind, value in kinds.items():
            usual = recorded.get(process, {}).get(kind)
            goal = None if usual is None else max(MOST_TIMES * usual, usual + MOST_MORE)
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


def read_budgets(path: Path = BUDGETS) -> dict[str, dict[str, float]]:
    """The recorded budgets; none before the first record."""
    if not path.is_file():
        return {}
    found: dict[str, dict[str, float]] = json.loads(path.read_text())
    return found


def write_budgets(rows: Iterable[Row], path: Path = BUDGETS) -> None:
    """Record what was measured; processes that were not measured keep theirs."""
    budgets = read_budgets(path)
    for row in rows:
        process, kind = _parts(row)
        if kind in UNITS:
            budgets.setdefault(process, {})[kind] = round(row.value, 1)
    path.write_text(json.dumps(budgets, indent=1, sort_keys=True) + "\n")


def _parts(row: Row) -> tuple[str, str]:
    """The process and the kind of a row; the kind of another row is none of ours."""
    process, _, kind = row.name.partition(BEFORE_KIND)
    return process, kind
