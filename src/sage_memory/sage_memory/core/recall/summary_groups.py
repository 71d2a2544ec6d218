"""Summaries and what they cover: of each such family one answers, unless all are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import experiences, summary_members

SUMMARIES = PlainQuery(
    select(summary_members.c.member_id, summary_members.c.summary_id)
    .join(experiences, experiences.c.id == summary_members.c.summary_id)
    .where(
        summary_members.c.member_id.in_(KEYS),
        experiences.c.forgotten_ns.is_(None),
    )
    .order_by(experiences.c.number)
)


def summaries_of(connection: Connection, ids: Sequence[bytes]) -> dict[bytes, bytes]:
    """Id of an experience -> id of the newest summary that covers it; only of those covered."""
    return {bytes(member): bytes(of) for member, of in SUMMARIES.rows(connection, ids)}


def heads(ids: Sequence[bytes], summaries: dict[bytes, bytes]) -> list[int]:
    """Places in `ids`, in their order, of the first one of each family."""
    seen: set[bytes] = set()
    first = []
    for place, identifier in enumerate(ids):
        family = summaries.get(identifier, identifier)
        if family not in seen:
            seen.add(family)
            first.append(place)
    return first
