"""Takes a night back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.schema import forgettings, nights
from sage_memory.core.errors import NoNightToUndo
from sage_memory.core.identifiers import id_bytes, id_text
from sage_memory.core.sleep import journal
from sage_memory.core.sleep.index_news import tell
from sage_memory.core.sleep.listing import FOR_GOOD, OF_ONE
from sage_memory.core.sleep.restore import bring_back
from sage_memory.core.sleep.stored import Change
from sage_memory.core.sleep.summaries import dissolve, of_night
from sage_memory.core.store.store import Store

STEP = 256
"""Experiences of one transaction."""


@dataclass(frozen=True)
class Undone:
    """What came back: experiences restored, and what could not be, in words."""

    night_id: bytes
    restored: int
    note: str


def undo_sleep(store: Store, night: bytes | str | None, now_ns: int) -> Undone:
    """Take back the last night, or the named one where no later night stands on it.

    Rows, vectors and payloads are as they were, bit for bit; summaries become tombstones.

    Raises:
        InvalidInput: no such night, a later one must be undone first, or its grace is over.
        NoNightToUndo: the last one was asked for, and there is none.
    """
    if night is not None:
        night = id_bytes(night, "night_id")
    with store.reader.snapshot() as connection:
        last = journal.last_done(connection)
        wanted = night or last
        if wanted is None:
            raise NoNightToUndo
        if wanted != last:
            expected = "the last night that was not undone"
            expected += f": {id_text(last)}" if last else "; there is none"
            raise InvalidInput("night_id", id_text(wanted), expected)
        column = forgettings.c
        of_it = (column.night_id == wanted) & column.undone_ns.is_(None)
        over = connection.execute(
            select(column.number)
            .where(of_it, or_(FOR_GOOD, column.undo_until_ns <= now_ns))
            .limit(1)
        ).one_or_none()
        if over is not None:
            raise InvalidInput("night_id", id_text(wanted), "a night whose grace is not over")
    return take_back(store, wanted, journal.UNDONE, now_ns)


def take_back(store: Store, night: bytes, state: str, now_ns: int) -> Undone:
    """Undo all that a night did, however far it came; to be called again if it is cut off."""
    store.change(
        lambda connection: journal.mark(connection, night, state=state, finished_ns=None)
    ).wait()
    restored, notes = 0, list[str]()
    while True:
        change = store.change(
            lambda connection: _bring_back_some(store, connection, night, now_ns),
            lambda change: tell(store.reader.index, change),
        ).wait()
        if not change.restored and not change.notes:
            break
        restored += change.restored
        notes += change.notes
    with store.reader.snapshot() as connection:
        summaries = iter(of_night(connection, night))
    while some := list(islice(summaries, STEP)):
        store.change(
            lambda connection, some=some: dissolve(store, connection, some, state, now_ns),  # type: ignore[misc]
            lambda change: tell(store.reader.index, change),
        ).wait()
    store.change(lambda connection: journal.mark(connection, night, finished_ns=now_ns)).wait()
    store.change(store.payloads.cap.count_copies).wait()
    counts = {note: notes.count(note) for note in dict.fromkeys(notes)}
    return Undone(night, restored, "; ".join(f"{n} x {note}" for note, n in counts.items()))


def _bring_back_some(store: Store, connection: Connection, night: bytes, now_ns: int) -> Change:
    column = forgettings.c
    entries = connection.execute(
        select(column.number, column.experience_id, column.what, column.saved)
        .where(column.night_id == night, column.undone_ns.is_(None), OF_ONE)
        .order_by(column.number)
        .limit(STEP)
    ).all()
    return bring_back(store, connection, entries, now_ns) if entries else Change()


def finish_undoing(store: Store, now_ns: int) -> None:
    """Complete what was cut off while it was being taken back."""
    with store.reader.snapshot() as connection:
        waiting = [
            (bytes(row.id), row.state)
            for row in connection.execute(
                select(nights.c.id, nights.c.state).where(
                    nights.c.id.in_(journal.half_undone(connection))
                )
            )
        ]
    for night, state in waiting:
        take_back(store, night, state, now_ns)
