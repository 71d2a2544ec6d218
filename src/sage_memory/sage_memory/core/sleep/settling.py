"""Closes what can no longer be undone: copies go, and of the list a short form stays."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, delete, func, insert, not_, or_, select
from sqlalchemy.engine import Connection

from sage_memory.core.schema import experiences, forgettings, nights
from sage_memory.core.sleep import journal, saved
from sage_memory.core.sleep.letting_go import FIRST_TO_GO_NS
from sage_memory.core.sleep.listing import pack
from sage_memory.core.sleep.stored import Row
from sage_memory.core.store import Store

AT_ONCE = 4096
"""Most rows of one transaction, and so of one short form."""
_KEY = ("night_id", "what", "at_ns")


def settle(store: Store, now_ns: int) -> int:
    """Drop the saved copies whose grace is over, and the payloads only they needed.

    A night that is not over keeps its copies: it may have to be rolled back.

    Returns:
        experiences whose copies were dropped.
    """
    with store.reader.snapshot() as connection:
        used = _used_payloads(connection, now_ns)
    settled = 0
    while True:
        count = store.change(
            lambda connection: _settle_some(store, connection, used, now_ns),
            lambda _: store.payloads.bury(),
        ).wait()
        if not count:
            return settled
        settled += count


def _settle_some(store: Store, connection: Connection, used: set[str], now_ns: int) -> int:
    column = forgettings.c
    names = ("number", "night_id", "experience_id", "what", "reason", "at_ns")
    head = func.substr(column.saved, 1, saved.HEAD_BYTES).label("head")
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
        key = (row.night_id, row.what, row.at_ns)
        alike.setdefault(key, []).append((bytes(row.experience_id), row.reason))
    connection.execute(insert(forgettings), [_short(key, some) for key, some in alike.items()])
    shas = {saved.payload_of(row.head) for row in rows if row.head is not None} - {""}
    store.payloads.remove(connection, shas - used, last_used_ns=FIRST_TO_GO_NS)
    return len(rows)


def _used_payloads(connection: Connection, now_ns: int) -> set[str]:
    """Hashes that an experience has, or would have again if its sleep were undone.

    What comes to use another one later gives it a new stamp of last use.
    """
    own, copy = experiences.c.payload_sha256, forgettings.c.saved
    used = set(connection.execute(select(own).where(own != "")).scalars())
    open_copies = select(func.substr(copy, 1, saved.HEAD_BYTES)).where(
        copy.is_not(None), forgettings.c.undo_until_ns.is_not(None), not_(_over(now_ns))
    )
    return used | {saved.payload_of(head) for head in connection.execute(open_copies).scalars()}


def _short(key: tuple[bytes | None, str, int], listed: list[tuple[bytes, str]]) -> Row:
    texts = list(dict.fromkeys(reason for _, reason in listed))
    reason = texts[0] if len(texts) == 1 else f"{len(listed)} experiences, each with its reason"
    named = dict(zip(_KEY, key, strict=True))
    return named | {"experience_id": listed[0][0], "reason": reason, "saved": pack(listed)}


def _over(now_ns: int) -> ColumnElement[bool]:
    column = forgettings.c
    open_nights = select(nights.c.id).where(nights.c.state == journal.RUNNING)
    return and_(
        column.undone_ns.is_(None),
        column.undo_until_ns <= now_ns,
        or_(column.night_id.is_(None), column.night_id.not_in(open_nights)),
    )
