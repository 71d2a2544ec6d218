"""The table of runs: what makes a run that was cut off go on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import experiences, runs
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.report import ConsolidationReport
from sage_memory.core.sleep.selection.probes import Question, Recalled

RUNNING, DONE, ROLLED_BACK, UNDONE = "running", "done", "rolled back", "undone"


@dataclass(frozen=True)
class RunRecord:
    """A run that was begun.

    Attributes:
        run: 16 bytes.
        started_ns: when.
        options: of that run.
        horizon: newest row number that it looks at.
        bytes_before, target_bytes: where it began, and where it may stop.
        questions: asked before and after.
        before: shares answered before.
    """

    run: bytes
    started_ns: int
    options: SleepOptions
    horizon: int
    bytes_before: int
    target_bytes: int
    questions: Sequence[Question]
    before: Recalled

    @classmethod
    def of_row(cls, row: Any) -> RunRecord:
        """The record of a row of the table (a mapping), written while the run was running."""
        facts = json.loads(row["report"])
        facts["options"].pop("replay", None)  # of a run before schema 5
        return cls(
            run=bytes(row["id"]),
            started_ns=row["started_ns"],
            options=SleepOptions(**facts["options"]),
            horizon=facts["horizon"],
            bytes_before=facts["bytes_before"],
            target_bytes=facts["target_bytes"],
            questions=[Question.of_json(values) for values in facts["questions"]],
            before=Recalled(**facts["before"]),
        )

    def write(self, connection: Connection) -> None:
        """Begin the run."""
        facts = {
            "options": asdict(self.options),
            "horizon": self.horizon,
            "bytes_before": self.bytes_before,
            "target_bytes": self.target_bytes,
            "before": asdict(self.before),
            "questions": [question.to_json() for question in self.questions],
        }
        row = {"id": self.run, "started_ns": self.started_ns, "state": RUNNING,
               "cause": self.options.cause, "recall_before": self.before.all,
               "report": json.dumps(facts)}  # fmt: skip
        connection.execute(insert(runs), [row])


def running(connection: Connection) -> RunRecord | None:
    """The run that was cut off, if any."""
    row = connection.execute(
        select(runs).where(runs.c.state == RUNNING).order_by(runs.c.started_ns).limit(1)
    ).one_or_none()
    if row is None:
        return None
    return RunRecord.of_row(row._mapping)


def interrupted_undos(connection: Connection) -> list[bytes]:
    """Runs whose undoing was cut off."""
    wanted = select(runs.c.id).where(
        runs.c.state.in_((ROLLED_BACK, UNDONE)), runs.c.finished_ns.is_(None)
    )
    return [bytes(key) for key in connection.execute(wanted).scalars()]


def last_done(connection: Connection) -> bytes | None:
    """The newest run that can be undone first; None: there is none."""
    wanted = select(runs.c.id).where(runs.c.state.in_((DONE, RUNNING)))
    newest = connection.execute(wanted.order_by(runs.c.started_ns.desc(), runs.c.id.desc()))
    key = newest.scalars().first()
    return None if key is None else bytes(key)


def mark(connection: Connection, run: bytes, **values: Any) -> None:
    """Set columns of a run."""
    connection.execute(update(runs).where(runs.c.id == run).values(**values))


def freed_bytes(connection: Connection) -> int:
    """By all runs that were not undone."""
    reports = connection.execute(select(runs.c.report).where(runs.c.state == DONE)).scalars()
    done = [ConsolidationReport.of_json(text) for text in reports]
    return sum(report.bytes_before - report.bytes_after for report in done)


def rng_of(run: bytes) -> np.random.Generator:
    """The generator of a run: equal ids draw equally."""
    return np.random.default_rng(np.frombuffer(run, np.uint32))


def newest_number(connection: Connection) -> int:
    """Of the last row; 0: there is none."""
    return int(connection.execute(select(func.max(experiences.c.number))).scalar_one() or 0)


def remove_probes(connection: Connection, identifiers: Sequence[bytes]) -> None:
    """Strike questions about experiences from a run that is not over."""
    gone = {identifier.hex() for identifier in identifiers}
    column = runs.c
    found = connection.execute(select(column.id, column.report).where(column.state == RUNNING))
    for run, report in found.all():
        facts = json.loads(report)
        facts["questions"] = [values for values in facts["questions"] if values[0] not in gone]
        mark(connection, bytes(run), report=json.dumps(facts))
