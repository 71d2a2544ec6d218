"""What a soak found, for people and as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from sage.soak.budgets import CPU, MEMORY, MESSAGES
from sage.soak.day.replay import DayLook
from sage.soak.samples_file import Soak
from sage.soak.verdict import HOST, JUDGED_S, Check, Verdict

COLUMNS = {
    CPU: "CPU [%]",
    MEMORY: "PSS [MB]",
    MESSAGES: "messages/s",
    "anonymous memory growth": "MB/h",
    "threads growth": "threads/h",
    "descriptors growth": "files/h",
}
"""Figures of a process, and what a table calls them."""


def as_dict(soak: Soak, verdict: Verdict, failures: list[str], path: Path) -> dict[str, Any]:
    """Everything, as JSON has it."""
    last = soak.looks[-1] if soak.looks else None
    return {
        "ok": not failures,
        **soak.header,
        "seen_s": round(last.time_s, 1) if last else 0.0,
        "judged_s": round(verdict.seen_s, 1),
        "looks": len(soak.looks),
        "load": round(sum(look.load for look in soak.looks) / max(len(soak.looks), 1), 2),
        "levels": _levels(soak),
        "figures": _figures(verdict),
        "failures": failures,
        "unclear": list(verdict.unclear),
        "samples": str(path),
    }


def day_as_dict(
    header: Mapping[str, Any],
    looks: Sequence[DayLook],
    verdict: Verdict,
    failures: list[str],
    path: Path,
) -> dict[str, Any]:
    """A day in lock-step, as JSON has it."""
    ends = [
        asdict(look) | {"sample": look.sample._asdict()} for look in looks[:: len(looks) - 1 or 1]
    ]
    return {
        "ok": not failures,
        **header,
        "seen_s": looks[-1].time_s if looks else 0.0,
        "judged_s": verdict.seen_s,
        "ends": ends,
        "figures": _figures(verdict),
        "failures": failures,
        "unclear": list(verdict.unclear),
        "samples": str(path),
    }


def table(verdict: Verdict) -> Table:
    """A row for each process: what it takes and what an hour adds, each beside its limit."""
    rows: dict[str, dict[str, str]] = defaultdict(dict)
    for check in verdict.checks:
        if check.process != HOST:
            rows[check.process][check.what] = _cell(check)
    found = Table("process", *COLUMNS.values(), box=None)
    for process, cells in rows.items():
        found.add_row(process, *(cells.get(what, "") for what in COLUMNS))
    return found


def host_lines(verdict: Verdict) -> Iterator[str]:
    """What is of no process, a line each."""
    for check in verdict.checks:
        if check.process == HOST:
            yield f"{check.what}: {_cell(check)} {check.unit}"


def passed(verdict: Verdict) -> str:
    """What a soak without a failure shows, in a line."""
    if verdict.seen_s < JUDGED_S:
        return (
            f"nothing failed in {verdict.seen_s:.0f} s after the warm-up; too short to say whether "
            f"anything grows: that takes {JUDGED_S / 60.0:.0f} min"
        )
    return f"passed: {verdict.seen_s / 3600.0:.2g} h after the warm-up"


def _cell(check: Check) -> str:
    """What was measured and, if there is one, the limit; in red if that is not held."""
    value = f"{check.value:.4g}" if check.low is None else f"{check.value:+.2f}"
    if check.limit is None:
        return value
    if not check.is_met:
        value = f"[bold red]{value}[/]"
    if check.is_unclear:
        value = f"{value}?"
    if check.low is not None:
        return value
    return f"{value} [dim]{'>=' if check.is_least else '<='} {check.limit:.4g}[/]"


def _figures(verdict: Verdict) -> dict[str, dict[str, Any]]:
    """Every check, by process and what it is of."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for check in verdict.checks:
        figure = {name: _rounded(value) for name, value in asdict(check).items()}
        found[figure.pop("process")][figure.pop("what")] = figure
    return dict(found)


def _levels(soak: Soak) -> dict[str, dict[str, list[float]]]:
    """Of each process what it held at its first and its last look."""
    found: dict[str, dict[str, list[float]]] = {}
    for look in soak.looks:
        for item in look.processes:
            sample = item.sample._asdict()
            sample.pop("cpu_s")
            for name, value in sample.items():
                ends = found.setdefault(item.name, {}).setdefault(name, [value, value])
                ends[1] = value
    return found


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
