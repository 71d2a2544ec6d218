"""What waits for the writer: experiences with all that their rows are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_common.core.clock import Clock
from sage_memory.core.engine import schema
from sage_memory.core.experience import Experience, Payload, changed
from sage_memory.core.payloads import PayloadCache
from sage_memory.core.rows.rows import Packed


class Entry(NamedTuple):
    """An experience with id, its blobs, the stamp of its clock, and its payload."""

    experience: Experience
    packed: Packed
    stamp: int
    payload: Payload | None


def admitted(
    connection: Connection, entry: Entry, payloads: PayloadCache, clock: Clock
) -> Experience:
    """The experience as it is stored: it names its payload if that could be kept."""
    if entry.payload is None:
        return entry.experience
    admission = payloads.admit(connection, entry.payload, clock.now_ns(), entry.experience.pinned)
    return changed(
        entry.experience,
        payload_sha256=admission.sha256,
        payload_media_type=entry.payload.media_type if admission.sha256 else "",
    )


def stored(connection: Connection, entries: Sequence[Entry]) -> list[Experience]:
    """The experiences of a group whose commit was not answered; empty if it was not kept."""
    columns = schema.experiences.c
    wanted = select(columns.id, columns.payload_sha256, columns.payload_media_type).where(
        columns.id.in_([entry.experience.id for entry in entries])
    )
    found = {row.id: row for row in connection.execute(wanted)}
    if not found:
        return []
    return [
        changed(
            entry.experience,
            payload_sha256=found[entry.experience.id].payload_sha256,
            payload_media_type=found[entry.experience.id].payload_media_type,
        )
        for entry in entries
    ]
