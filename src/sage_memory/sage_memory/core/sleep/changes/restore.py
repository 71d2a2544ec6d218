"""Restores what was evicted, bit for bit, from the saved copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import forgettings, payloads
from sage_memory.core.sleep.records import saved_copy
from sage_memory.core.sleep.records.rewriting import Change, Rewriting, alive_rows, vectors_of
from sage_memory.core.store.store import Store

GONE = "forgotten on request since, or its saved copy is gone"
NO_PAYLOAD = "its payload was evicted to stay under the cap"


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
