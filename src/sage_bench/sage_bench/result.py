"""What a bench found: rows with goals and baselines, as a table and as JSON."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

RECORDED = Path("bench", "results")
"""The figures that the pages quote; only who asks for it replaces them."""
BUDGETS = Path("config", "budgets.json")
MEASURED = Path("build", "bench")
NONE = "-"
MOST_BESIDE, SHOWN_BESIDE = 8, 3
"""Of more baselines than the first, a table shows as many of the best as the second."""


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        name: what was measured.
        value: the figure; the median where there are samples; NaN: what it is of did not happen.
        unit: its unit.
        goal: what it must reach; None: no goal.
        better: "lower" or "higher".
        baselines: figures measured in the same run on the same input, by name.
        samples: how many measurements stand behind it.
        p50, p95, p99: percentiles of them; None for a single measurement.
        low, high: the interval that holds the figure with 95 %; None: not estimated.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    better: str = "lower"
    baselines: Mapping[str, float] = field(default_factory=dict)
    samples: int = 1
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal

    @property
    def interval(self) -> str:
        """The interval as "low to high"; empty if it was not estimated."""
        if self.low is None or self.high is None:
            return ""
        return f"{shown(self.low)} to {shown(self.high)}"

    @property
    def strongest(self) -> dict[str, float]:
        """The baselines that a table shows: all, or of many the best."""
        if len(self.baselines) <= MOST_BESIDE:
            return dict(self.baselines)
        sign = 1.0 if self.better == "lower" else -1.0
        ranked = sorted(self.baselines, key=lambda name: sign * self.baselines[name])
        return {name: self.baselines[name] for name in ranked[:SHOWN_BESIDE]}

    @property
    def unshown(self) -> str:
        """How many baselines a table leaves out, in words; empty if none."""
        left_out = len(self.baselines) - len(self.strongest)
        return f", and {left_out} that are worse" if left_out else ""

    def times_better(self, baseline: float) -> float | None:
        """How many times better the figure is than a baseline; below 1: worse; None: undefined."""
        over, under = (baseline, self.value) if self.better == "lower" else (self.value, baseline)
        return over / under if under and math.isfinite(over) and math.isfinite(under) else None


def row_of_samples(
    name: str,
    samples: Sequence[float],
    unit: str,
    *,
    goal: float | None = None,
    rank: int = 50,
    baselines: Mapping[str, float] | None = None,
) -> Row:
    """A row whose value is a percentile (`rank`) of samples, lower being better.

    Raises:
        ValueError: there are no samples.
    """
    if not len(samples):
        raise ValueError(f"{name}: expected samples, got none")
    p50, p95, p99, value = (float(np.percentile(samples, r)) for r in (50, 95, 99, rank))
    return Row(name, value, unit, goal, "lower", dict(baselines or {}), len(samples), p50, p95, p99)


@dataclass(frozen=True)
class Result:
    """The rows of one bench, and under what circumstances they were measured.

    Attributes:
        bench: its name.
        quick: whether it was a short run.
        inputs: SHA-256 of each input, by name.
        rows: the figures.
        notes: what one must know to read them, such as a baseline that could not be measured.
        errors: figures that ought to be there and could not be measured, and why.
    """

    bench: str
    quick: bool
    inputs: Mapping[str, str]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and which rows have no figure."""
        lacking = [row.name for row in self.rows if not math.isfinite(row.value)]
        return (*self.notes, *(f"{name}: no figure, for it did not happen" for name in lacking))

    def as_dict(self) -> dict[str, Any]:
        """The result as it is written; what is no number is null."""
        return {
            "bench": self.bench,
            "commit": commit(),
            "machine": machine(),
            "threads": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "quick": self.quick,
            "inputs": dict(self.inputs),
            "rows": [_rounded({**asdict(row), "met": row.met}) for row in self.rows],
            "notes": list(self.remarks),
            "errors": list(self.errors),
        }

    def write(self, folder: Path = MEASURED) -> Path:
        """Write the JSON file; its path. A short run does not replace the figures of a full one."""
        folder.mkdir(parents=True, exist_ok=True)
        length = "-quick" if self.quick else ""
        path = folder / f"{self.bench}{length}-{machine()}.json"
        path.write_text(json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n")
        return path

    def table(self) -> Table:
        """The rows for people."""
        spreads = "p50 / p95 / p99, or 95 %"
        columns = ("figure", "value", spreads, "goal", "", "baselines (times better)")
        table = Table(*columns)
        for row in self.rows:
            marks = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}
            spread = row.interval
            if row.p50 is not None:
                spread = f"{row.p50:.3g} / {row.p95:.3g} / {row.p99:.3g}"
            baselines = ", ".join(
                f"{name} {shown(value)}{_ratio(row, value)}"
                for name, value in row.strongest.items()
            )
            goal = "" if row.goal is None else shown(row.goal)
            value = f"{shown(row.value)} {row.unit}" if math.isfinite(row.value) else NONE
            table.add_row(row.name, value, spread, goal, marks[row.met], baselines + row.unshown)
        return table


def machine() -> str:
    """The processor and its cores, fit for a file name."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1]
            break
    return re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") + f"-x{os.cpu_count()}"


def commit() -> str:
    """The commit of the checkout; "unknown" outside of one; "-dirty" with changes.

    Figures that a bench has recorded before are no change.
    """
    described = _git("describe", "--always", "--exclude=*")
    if not described:
        return "unknown"
    figures = (f":(top,exclude){RECORDED}", f":(top,exclude){BUDGETS}")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":(top)", *figures)
    return f"{described}-dirty" if changed else described


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], capture_output=True, text=True, check=False
    ).stdout.strip()


def shown(value: float) -> str:
    """A figure with four digits, large ones whole; a dash for what is no number."""
    if not math.isfinite(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _ratio(row: Row, baseline: float) -> str:
    times = row.times_better(baseline)
    return "" if times is None else f" ({times:.2g}x)"


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _strict(value) for name, value in row.items()}


def _strict(value: Any) -> Any:
    """As JSON has it, which knows neither NaN nor infinity."""
    if isinstance(value, Mapping):
        return _rounded(value)
    if not isinstance(value, float):
        return value
    return round(value, 6) if math.isfinite(value) else None
