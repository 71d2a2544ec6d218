"""Letting a memory sleep, and taking a sleep back: through the running graph or in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.memory.opening import open_memory
from sage_common.core.errors import InvalidInput
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.identifiers import id_text, parse_id
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.report import NightReport

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Slept:
    """What a sleep has done; see `Sleep.action` for the fields."""

    message: str
    night_id: str
    rolled_back: bool
    replayed: int
    summaries: int
    merged: int
    payloads_removed: int
    texts_removed: int
    vectors_removed: int
    bytes_before: int
    bytes_after: int
    recall_before: float
    recall_after: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def sleep_in_graph(
    running: RunningGraph,
    options: SleepOptions,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> Slept:
    """Let the memory node of a running graph sleep.

    Raises:
        InvalidInput: it refuses; the reason is named.
        ServiceUnavailable: there is no memory node, or it goes away.
    """
    from sage.observe.acting import act
    from sage_msgs.action import Sleep

    goal = Sleep.Goal(
        max_duration_s=options.max_duration_s,
        target_share=options.target_share,
        dry_run=options.dry_run,
    )
    result = act(
        running, "memory/sleep", goal, lambda f: progress(f.progress, f.stage), should_stop
    )
    if not result.success:
        raise InvalidInput("sleep", "refused", result.message)
    names = [name for name in Slept.__dataclass_fields__ if name != "message"]
    return Slept(message=result.message, **{name: getattr(result, name) for name in names})


def sleep_in_store(
    home: Path, options: SleepOptions, progress: Progress, should_stop: Callable[[], bool]
) -> Slept:
    """Let the store in `home` sleep; no graph runs.

    Raises:
        InvalidInput: an option is wrong.
        MemoryFailure: the store cannot be opened, or the disk refuses.
    """
    with open_memory(home) as memory:
        return slept(memory.sleep(options, progress, should_stop))


def slept(report: NightReport) -> Slept:
    """The report of a night, as it is told."""
    return Slept(
        message=report.note,
        night_id=id_text(report.night_id) if report.night_id else "",
        rolled_back=report.rolled_back,
        replayed=report.replayed,
        summaries=report.summaries,
        merged=report.merged,
        payloads_removed=report.payloads_removed,
        texts_removed=report.texts_removed,
        vectors_removed=report.vectors_removed,
        bytes_before=report.bytes_before,
        bytes_after=report.bytes_after,
        recall_before=report.recall_before,
        recall_after=report.recall_after,
    )


@dataclass(frozen=True)
class TakenBack:
    """What undoing a sleep has brought back: how many experiences, and the rest in words."""

    restored: int
    message: str


def undo_in_graph(running: RunningGraph, night_id: str) -> TakenBack:
    """Let the memory node take back a night, or the last one (empty).

    Raises:
        MemoryFailure: it refuses; the reason is its own.
        ServiceUnavailable: there is no memory node, or it does not answer.
    """
    from sage.memory.services import undo

    response = undo(running, night_id)
    if not response.success:
        raise MemoryFailure(response.message)
    return TakenBack(response.restored, response.message)


def undo_in_store(home: Path, night_id: str) -> TakenBack:
    """Take back a night in the store in `home`; no graph runs.

    Raises:
        InvalidInput: there is no such night, or it cannot be taken back any more.
        MemoryFailure: no night is left, the store cannot be opened, or the disk refuses.
    """
    with open_memory(home) as memory:
        undone = memory.undo_sleep(parse_id(night_id, "night") if night_id else None)
    return TakenBack(undone.restored, undone.note)
