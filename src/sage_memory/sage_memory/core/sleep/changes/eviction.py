"""Lets parts of experiences go, as deep as decided, and keeps what undoing needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.plain_sql import Insertion
from sage_memory.core.engine.schema import ENCODING_FLOAT32, WHOLE, clocks, forgettings, payloads
from sage_memory.core.rows.clocks import NEWEST_CHANGE
from sage_memory.core.sleep.records import saved_copy
from sage_memory.core.sleep.records.rewriting import (
    Change,
    Rewriting,
    Row,
    alive_rows,
    cosine,
    in_int8,
    values_of,
    vectors_of,
)
from sage_memory.core.sleep.selection.retention_plan import INT8, PAYLOAD, TEXT, VECTORS, Eviction
from sage_memory.core.store.store import Store

WHAT = {PAYLOAD: "payload", TEXT: "codes", INT8: "vectors", VECTORS: "vectors"}
"""What a forgetting is listed as, and the field whose clock it sets: the deepest of all that
went. One row and one clock for each experience: they stay when the content is gone."""
LISTED = Insertion(
    forgettings,
    ("run_id", "experience_id", "what", "reason", "at_ns", "undo_until_ns", "saved"),
)
PAYLOAD_COLUMNS = ("payload_sha256", "payload_media_type")
TEXT_COLUMNS = ("text", "reason", "context", "codes", "sketch", "place_covariance")
"""What goes with the words and the puzzle; where it was stays, how exactly does not."""
ANSWERS = 0.8
"""Least cosine between a vector and that of its summary for the summary to answer in its place."""
FIRST_TO_GO_NS = 0
"""Stamp of last use of a payload that is only kept for undoing."""


@dataclass(frozen=True)
class EvictionTerms:
    """Under which run it happens.

    Attributes:
        run: 16 bytes.
        floor: what has this total salience stays.
        undo_until_ns: until when it can be undone.
        now_ns: when it is listed to have happened.
    """

    run: bytes
    floor: float
    undo_until_ns: int
    now_ns: int


@dataclass(frozen=True)
class Prepared:
    """What is to be written so that some experiences are evicted.

    Attributes:
        evictions, terms: what was asked for.
        change, writing, unused, listed: rows to rewrite, payloads without a user, rows of the list.
        stamp: of the newest change that was known.
    """

    evictions: Sequence[Eviction]
    terms: EvictionTerms
    change: Change
    writing: Rewriting
    unused: list[str]
    listed: list[tuple[Any, ...]]
    stamp: int


def prepare(
    connection: Connection, evictions: Sequence[Eviction], terms: EvictionTerms
) -> Prepared:
    """Decide what goes of each, pack it for undoing; skip what was pinned since. Writes nothing."""
    stamp = connection.execute(NEWEST_CHANGE).scalar_one() or 0
    rows = alive_rows(connection, [eviction.identifier for eviction in evictions])
    own = vectors_of(connection, [*rows, *(p.summary for p in evictions if p.summary)])
    change, writing = Change(), Rewriting()
    unused: list[str] = []
    listed: list[tuple[Any, ...]] = []
    for eviction in evictions:
        row = rows.get(eviction.identifier)
        if row is None or row["pinned"] or row["total"] >= terms.floor:
            continue
        kept = _payload(row, change)
        if kept and eviction.last_user:
            unused.append(row["payload_sha256"])
        if eviction.rung >= TEXT:
            kept |= _text(row, change)
        lost: list[Row] = []
        if eviction.rung >= INT8:
            mine, standing_in = own.get(eviction.identifier, []), own.get(eviction.summary, [])
            lost = _vectors(eviction, row, mine, standing_in, change, writing)
        if kept or lost:
            writing.blank(row, kept)
            writing.clocks.append((eviction.identifier, WHAT[eviction.rung]))
            listed.append(_listed(eviction, terms, saved_copy.pack(kept, lost)))
    return Prepared(evictions, terms, change, writing, unused, listed, stamp)


def evict(store: Store, connection: Connection, prepared: Prepared) -> Change:
    """Write what was prepared; prepare it anew if any of it has changed meanwhile."""
    if _outdated(connection, prepared):
        prepared = prepare(connection, prepared.evictions, prepared.terms)
    prepared.writing.write(store, connection, prepared.change.vectors)
    if prepared.unused:
        connection.execute(
            update(payloads)
            .where(payloads.c.sha256 == bindparam("key"))
            .values(last_used_ns=FIRST_TO_GO_NS),
            [{"key": sha} for sha in prepared.unused],
        )
    LISTED.run(connection, prepared.listed)
    return prepared.change


def _outdated(connection: Connection, prepared: Prepared) -> bool:
    """Whether one of the experiences, or a summary of theirs, has changed since.

    What is forgotten takes something from its summaries, which get no clock of that.
    """
    changed = connection.execute(
        select(clocks.c.experience_id, clocks.c.field).where(
            clocks.c.field != WHOLE, clocks.c.stamp > prepared.stamp
        )
    ).all()
    looked_at = {
        key for eviction in prepared.evictions for key in (eviction.identifier, eviction.summary)
    }
    return any(row.field == "forgotten" or bytes(row.experience_id) in looked_at for row in changed)


def _payload(row: Row, change: Change) -> Row:
    if not row["payload_sha256"]:
        return {}
    change.payloads += 1
    return {name: row[name] for name in PAYLOAD_COLUMNS}


def _text(row: Row, change: Change) -> Row:
    names = [name for name in TEXT_COLUMNS if row[name]]
    if not names:
        return {}
    change.texts += 1
    change.sketches[row["number"]] = b""
    return {name: row[name] for name in names}


def _vectors(
    eviction: Eviction,
    row: Row,
    own: list[Row],
    standing_in: list[Row],
    change: Change,
    writing: Rewriting,
) -> list[Row]:
    """Vectors that go, to int8 or to the summary that answers for them."""
    lost, small = [], []
    for vector in own:
        if eviction.rung >= VECTORS and _answered(vector, standing_in):
            lost.append(vector)
        elif vector["encoding"] == ENCODING_FLOAT32:
            lost.append(vector)
            small.append(in_int8(vector))
    writing.stale += [vector["number"] for vector in lost]
    change.removed += len(lost) > len(small)
    change.quantised += bool(small)
    change.vectors += [vector | {"experience_number": row["number"]} for vector in small]
    change.drop(row["number"], lost, own)
    return lost


def _answered(vector: Row, standing_in: list[Row]) -> bool:
    same = ("role", "encoder_id", "dim")
    return any(
        all(vector[name] == other[name] for name in same)
        and cosine(values_of(vector), values_of(other)) >= ANSWERS
        for other in standing_in
    )


def _listed(eviction: Eviction, terms: EvictionTerms, copy: bytes) -> tuple[Any, ...]:
    """A row of `forgettings`, in the order of `LISTED`."""
    run, until_ns, now_ns = terms.run, terms.undo_until_ns, terms.now_ns
    what = WHAT[eviction.rung]
    return (run, eviction.identifier, what, eviction.reason, now_ns, until_ns, copy)
