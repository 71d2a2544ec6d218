"""Lets parts of experiences go, as deep as decided, and keeps what undoing needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.engine import Connection

from sage_memory.core.plain_sql import Insertion
from sage_memory.core.schema import ENCODING_FLOAT32, forgettings, payloads
from sage_memory.core.sleep import saved
from sage_memory.core.sleep.plan import INT8, PAYLOAD, TEXT, VECTORS
from sage_memory.core.sleep.stored import (
    Change,
    Rewriting,
    Row,
    alive_rows,
    cosine,
    in_int8,
    values_of,
    vectors_of,
)
from sage_memory.core.store import Store

WHAT = {PAYLOAD: "payload", TEXT: "codes", INT8: "vectors", VECTORS: "vectors"}
"""What a forgetting is listed as, and the field whose clock it sets: the deepest of all that
went. One row and one clock for each experience: they stay when the content is gone."""
LISTED = Insertion(
    forgettings,
    ("night_id", "experience_id", "what", "reason", "at_ns", "undo_until_ns", "saved"),
)
PAYLOAD_COLUMNS = ("payload_sha256", "payload_media_type")
TEXT_COLUMNS = ("text", "reason", "context", "codes", "sketch", "place_covariance")
"""What goes with the words and the puzzle; where it was stays, how exactly does not."""
ANSWERS = 0.8
"""Least cosine between a vector and that of its summary for the summary to answer in its place."""
FIRST_TO_GO_NS = 0
"""Stamp of last use of a payload that is only kept for undoing."""


@dataclass(frozen=True)
class Parting:
    """One experience to let go of.

    Attributes:
        identifier: 16 bytes.
        rung: how deep, see `plan`.
        reason: why, in words; without content.
        summary: 16 bytes of the summary that covers it; empty: none.
        last_user: no other experience has its payload.
    """

    identifier: bytes
    rung: int
    reason: str
    summary: bytes = b""
    last_user: bool = True


@dataclass(frozen=True)
class Leave:
    """Under which night it happens: its id, until when it can be undone [ns], and now [ns]."""

    night: bytes
    undo_until_ns: int
    now_ns: int


def let_go(
    store: Store, connection: Connection, partings: Sequence[Parting], floor: float, leave: Leave
) -> Change:
    """Let go of what is asked for, save it for undoing, list it; skip what was pinned since."""
    rows = alive_rows(connection, [parting.identifier for parting in partings])
    own = vectors_of(connection, [*rows, *(p.summary for p in partings if p.summary)])
    change, writing = Change(), Rewriting()
    unused: list[str] = []
    listed: list[tuple[Any, ...]] = []
    for parting in partings:
        row = rows.get(parting.identifier)
        if row is None or row["pinned"] or row["total"] >= floor:
            continue
        kept = _payload(row, change)
        if kept and parting.last_user:
            unused.append(row["payload_sha256"])
        if parting.rung >= TEXT:
            kept |= _text(row, change)
        lost: list[Row] = []
        if parting.rung >= INT8:
            mine, standing_in = own.get(parting.identifier, []), own.get(parting.summary, [])
            lost = _vectors(parting, row, mine, standing_in, change, writing)
        if kept or lost:
            writing.blank(row["number"], kept)
            writing.clocks.append((parting.identifier, WHAT[parting.rung]))
            listed.append(_listed(parting, leave, saved.pack(kept, lost)))
    writing.write(store, connection, change.vectors)
    if unused:
        connection.execute(
            update(payloads)
            .where(payloads.c.sha256 == bindparam("key"))
            .values(last_used_ns=FIRST_TO_GO_NS),
            [{"key": sha} for sha in unused],
        )
    LISTED.run(connection, listed)
    return change


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
    parting: Parting,
    row: Row,
    own: list[Row],
    standing_in: list[Row],
    change: Change,
    writing: Rewriting,
) -> list[Row]:
    """Vectors that go, to int8 or to the summary that answers for them."""
    lost, small = [], []
    for vector in own:
        if parting.rung >= VECTORS and _answered(vector, standing_in):
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


def _listed(parting: Parting, leave: Leave, copy: bytes) -> tuple[Any, ...]:
    """A row of `forgettings`, in the order of `LISTED`."""
    night, until_ns, now_ns = leave.night, leave.undo_until_ns, leave.now_ns
    what = WHAT[parting.rung]
    return (night, parting.identifier, what, parting.reason, now_ns, until_ns, copy)
