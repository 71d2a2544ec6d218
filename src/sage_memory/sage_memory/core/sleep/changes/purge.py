"""Closes what can no longer be undone: copies go, and of the list a short form stays."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, delete, func, insert, not_, or_, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import experiences, forgettings, runs
from sage_memory.core.identifiers import id_text
from sage_memory.core.payloads import OPEN_COPY
from sage_memory.core.sleep.changes import run_record
from sage_memory.core.sleep.changes.eviction import FIRST_TO_GO_NS
from sage_memory.core.sleep.records import saved_copy
from sage_memory.core.sleep.records.forgetting_list import pack
from sage_memory.core.sleep.records.rewriting import Row
from sage_memory.core.store.store import Store

AT_ONCE = 4096
"""Most rows of one transaction, and so of one short form."""
_KEY = ("run_id", "what", "at_ns")


def purge_expired(store: Store, now_ns: int) -> int:
    """Drop the saved copies whose grace is over, and the payloads only they needed.

    A run that is not over keeps its copies: it may have to be rolled back.

    Returns:
        experiences whose copies were dropped.
    """
    with store.reader.snapshot() as connection:
        used = _used_payloads(connection, now_ns)
    settled = 0
    while True:
        count = store.change(
            lambda connection: _purge_some(store, connection, used, now_ns),
            lambda _: store.payloads.delete_removed(),
        ).result()
        if not count:
            break
        settled += count
    store.change(store.payloads.cap.count_copies).result()
    return settled


def finalise_above_cap(store: Store, now_ns: int) -> str:
    """Let runs be final, the oldest first, whose copies are above their share of the cap.

    Copies may take what the payloads leave of it, and half of it in any case; `purge_expired`
    drops them.

    Returns:
        what was done, in words; empty: nothing.
    """
    column, cache = forgettings.c, store.payloads
    size = func.sum(func.length(column.saved))
    wanted = select(column.run_id, size).where(OPEN_COPY).group_by(column.run_id)
    with store.reader.snapshot() as connection:
        found = connection.execute(wanted.order_by(func.min(column.number))).all()
    most = max(cache.cap.now_bytes // 2, cache.cap.now_bytes - cache.total_bytes)
    total = sum(int(bytes_of) for _, bytes_of in found)
    final: list[bytes] = []
    for run, bytes_of in found:
        if total - most <= 0:
            break
        final.append(bytes(run))
        total -= int(bytes_of)
    if not final:
        return ""
    ended = update(forgettings).where(OPEN_COPY, column.run_id.in_(final))
    store.change(
        lambda connection: connection.execute(ended.values(undo_until_ns=now_ns)).rowcount
    ).result()
    named = ", ".join(map(id_text, final))
    return f"what undoing needs is above its share of the payload cap: final now is {named}"


def _purge_some(store: Store, connection: Connection, used: set[str], now_ns: int) -> int:
    column = forgettings.c
    names = ("number", "run_id", "experience_id", "what", "reason", "at_ns")
    head = func.substr(column.saved, 1, saved_copy.HEAD_BYTES).label("head")
    rows = connection.execute(
        select(*(column[name] for name in names), head)
        .where(_over(now_ns))
        .order_by(column.number)
        .limit(AT_ONCE)
    ).all()
    if not rows:
        return 0
    connection.execute(
        delete(forgettings).where(
            _over(now_ns), column.number.between(rows[0].number, rows[-1].number)
        )
    )
    alike: dict[tuple[bytes | None, str, int], list[tuple[bytes, str]]] = {}
    for row in rows:
        key = (row.run_id, row.what, row.at_ns)
        alike.setdefault(key, []).append((bytes(row.experience_id), row.reason))
    connection.execute(insert(forgettings), [_short(key, some) for key, some in alike.items()])
    shas = {saved_copy.payload_of(row.head) for row in rows if row.head is not None} - {""}
    store.payloads.remove(connection, shas - used, last_used_ns=FIRST_TO_GO_NS)
    return len(rows)


def _used_payloads(connection: Connection, now_ns: int) -> set[str]:
    """Hashes that an experience has, or would have again if its sleep were undone.

    What comes to use another one later gives it a new stamp of last use.
    """
    own, copy = experiences.c.payload_sha256, forgettings.c.saved
    used = set(connection.execute(select(own).where(own != "")).scalars())
    open_copies = select(func.substr(copy, 1, saved_copy.HEAD_BYTES)).where(
        copy.is_not(None), forgettings.c.undo_until_ns.is_not(None), not_(_over(now_ns))
    )
    return used | {
        saved_copy.payload_of(head) for head in connection.execute(open_copies).scalars()
    }


def _short(key: tuple[bytes | None, str, int], listed: list[tuple[bytes, str]]) -> Row:
    texts = list(dict.fromkeys(reason for _, reason in listed))
    reason = texts[0] if len(texts) == 1 else f"{len(listed)} experiences, each with its reason"
    named = dict(zip(_KEY, key, strict=True))
    return named | {"experience_id": listed[0][0], "reason": reason, "saved": pack(listed)}


def _over(now_ns: int) -> ColumnElement[bool]:
    column = forgettings.c
    open_runs = select(runs.c.id).where(runs.c.state == run_record.RUNNING)
    return and_(
        column.undone_ns.is_(None),
        column.undo_until_ns <= now_ns,
        or_(column.run_id.is_(None), column.run_id.not_in(open_runs)),
    )
