"""What a memory has done, in the same words from a graph and from a store."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sage_memory.core.identifiers import id_text
from sage_memory.core.sleep.report import ConsolidationReport


@dataclass(frozen=True)
class Forgotten:
    """What was removed for good: experiences, and bytes of their content."""

    forgotten: int
    bytes_freed: int


@dataclass(frozen=True)
class SleepUndone:
    """What undoing a sleep has restored: how many experiences, and the rest in words."""

    restored: int
    message: str


@dataclass(frozen=True)
class SleepResult:
    """What a sleep has done; see `Sleep.action` for the fields."""

    message: str
    run_id: str
    rolled_back: bool
    summaries: int
    merged: int
    payloads_removed: int
    texts_removed: int
    vectors_removed: int
    bytes_before: int
    bytes_after: int
    recall_before: float
    recall_after: float

    @classmethod
    def of(cls, result: Any) -> SleepResult:
        """That of the action's result."""
        return cls(**{item.name: getattr(result, item.name) for item in fields(cls)})

    @classmethod
    def of_report(cls, report: ConsolidationReport) -> SleepResult:
        """That of a store's report."""
        named = {"message": report.note, "run_id": ""}
        if report.run_id:
            named["run_id"] = id_text(report.run_id)
        same = {f.name: getattr(report, f.name) for f in fields(cls) if f.name not in named}
        return cls(**named, **same)
