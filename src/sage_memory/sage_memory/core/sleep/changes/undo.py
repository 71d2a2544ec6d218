"""Undoes a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.schema import forgettings, payloads, runs
from sage_memory.core.errors import NoRunToUndo
from sage_memory.core.identifiers import id_bytes, id_text
from sage_memory.core.sleep.changes import run_record
from sage_memory.core.sleep.changes.summaries import delete_summaries, of_run
from sage_memory.core.sleep.records import saved_copy
from sage_memory.core.sleep.records.forgetting_list import PER_EXPERIENCE, PERMANENT
from sage_memory.core.sleep.records.rewriting import (
    Change,
    Rewriting,
    alive_rows,
    update_index,
    vectors_of,
)
from sage_memory.core.store.store import Store

STEP = 256
"""Experiences of one transaction."""
GONE = "forgotten on request since, or its saved copy is gone"
NO_PAYLOAD = "its payload was evicted to stay under the cap"


@dataclass(frozen=True)
class Undone:
    """What came back: experiences restored, and what could not be, in words."""

    run_id: bytes
    restored: int
    note: str


def undo_sleep(store: Store, run: bytes | str | None, now_ns: int) -> Undone:
    """Undo the last run, or the named one where no later run stands on it.

    Rows, vectors and payloads are as they were, bit for bit; summaries become tombstones.

    Raises:
        InvalidInput: no such run, a later one must be undone first, or its grace is over.
        NoRunToUndo: the last one was asked for, and there is none.
    """
    if run is not None:
        run = id_bytes(run, "run_id")
    with store.reader.snapshot() as connection:
        last = run_record.last_done(connection)
        wanted = run or last
        if wanted is None:
            raise NoRunToUndo
        if wanted != last:
            expected = "the last run that was not undone"
            expected += f": {id_text(last)}" if last else "; there is none"
            raise InvalidInput("run_id", id_text(wanted), expected)
        column = forgettings.c
        of_it = (column.run_id == wanted) & column.undone_ns.is_(None)
        over = connection.execute(
            select(column.number)
            .where(of_it, or_(PERMANENT, column.undo_until_ns <= now_ns))
            .limit(1)
        ).one_or_none()
        if over is not None:
            raise InvalidInput("run_id", id_text(wanted), "a run whose grace is not over")
    return undo_run(store, wanted, run_record.UNDONE, now_ns)


def undo_run(store: Store, run: bytes, state: str, now_ns: int) -> Undone:
    """Undo all that a run did, however far it came; to be called again if it is cut off."""
    store.change(
        lambda connection: run_record.mark(connection, run, state=state, finished_ns=None)
    ).result()
    restored, notes = 0, list[str]()
    while True:
        change = store.change(
            lambda connection: _restore_some(store, connection, run, now_ns),
            lambda change: update_index(store.reader.index, change),
        ).result()
        if not change.restored and not change.notes:
            break
        restored += change.restored
        notes += change.notes
    with store.reader.snapshot() as connection:
        summaries = iter(of_run(connection, run))
    while some := list(islice(summaries, STEP)):
        store.change(
            lambda connection, some=some: delete_summaries(store, connection, some, state, now_ns),  # type: ignore[misc]
            lambda change: update_index(store.reader.index, change),
        ).result()
    store.change(lambda connection: run_record.mark(connection, run, finished_ns=now_ns)).result()
    store.change(store.payloads.cap.count_copies).result()
    counts = {note: notes.count(note) for note in dict.fromkeys(notes)}
    return Undone(run, restored, "; ".join(f"{n} x {note}" for note, n in counts.items()))


def restore_evicted(
    store: Store, connection: Connection, entries: Sequence[Any], now_ns: int
) -> Change:
    """Undo forgettings (rows of the table); what cannot be undone is in the notes."""
    change, writing = Change(), Rewriting()
    rows = alive_rows(connection, [bytes(entry.experience_id) for entry in entries])
    current = vectors_of(connection, rows)
    shas: set[str] = set()
    for entry in entries:
        identifier = bytes(entry.experience_id)
        row = rows.get(identifier)
        if row is None or entry.saved is None:
            change.notes.append(GONE)
            continue
        change.restored += 1
        kept, lost = saved_copy.unpack(entry.saved)
        writing.set(row, kept)
        if "sketch" in kept:
            change.sketches[row["number"]] = kept["sketch"]
        writing.clocks.append((identifier, entry.what))
        shas.add(kept.get("payload_sha256", ""))
        returning = {(v["encoder_id"], v["role"]) for v in lost}
        own = current.get(identifier, [])
        stale = [v for v in own if (v["encoder_id"], v["role"]) in returning]
        writing.stale += [vector["number"] for vector in stale]
        change.drop(row["number"], stale, own)
        names = {"experience_id": identifier, "experience_number": row["number"]}
        change.vectors += [vector | names for vector in lost]
    writing.write(store, connection, change.vectors)
    change.notes += _payloads_back(connection, shas, now_ns)
    connection.execute(
        update(forgettings)
        .where(forgettings.c.number == bindparam("key"))
        .values(undone_ns=now_ns, saved=None),
        [{"key": entry.number} for entry in entries],
    )
    return change


def _payloads_back(connection: Connection, shas: set[str], now_ns: int) -> list[str]:
    shas = shas - {""}
    column = payloads.c.sha256
    there = set(connection.execute(select(column).where(column.in_(shas))).scalars())
    if there:
        connection.execute(update(payloads).where(column.in_(there)).values(last_used_ns=now_ns))
    return [NO_PAYLOAD] * len(shas - there)


def _restore_some(store: Store, connection: Connection, run: bytes, now_ns: int) -> Change:
    column = forgettings.c
    entries = connection.execute(
        select(column.number, column.experience_id, column.what, column.saved)
        .where(column.run_id == run, column.undone_ns.is_(None), PER_EXPERIENCE)
        .order_by(column.number)
        .limit(STEP)
    ).all()
    return restore_evicted(store, connection, entries, now_ns) if entries else Change()


def finish_undos(store: Store, now_ns: int) -> None:
    """Complete what was cut off while it was being undone."""
    with store.reader.snapshot() as connection:
        waiting = [
            (bytes(row.id), row.state)
            for row in connection.execute(
                select(runs.c.id, runs.c.state).where(
                    runs.c.id.in_(run_record.interrupted_undos(connection))
                )
            )
        ]
    for run, state in waiting:
        undo_run(store, run, state, now_ns)
