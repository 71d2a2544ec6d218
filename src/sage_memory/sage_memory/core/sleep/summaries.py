"""One experience that stands for many: made of them, linked to them, with a vector near each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.encoded_vectors import encode_int8
from sage_memory.core.experience import DIMENSIONS, Experience
from sage_memory.core.identifiers import id_text
from sage_memory.core.rows import Packed, pack, read_experience
from sage_memory.core.schema import (
    ENCODING_INT8,
    ROLE_PERCEPT,
    ROLE_WORDS,
    experiences,
    summary_members,
    vectors,
)
from sage_memory.core.sleep.stored import TOMBSTONE, Change, Row, cosine, values_of, vectors_of
from sage_memory.core.store import Store

TEXT_LENGTH = 1000
"""Most characters of the members' words that a summary keeps."""


def summarise(
    store: Store,
    connection: Connection,
    groups: Sequence[tuple[bytes, Sequence[bytes]]],
    night: bytes,
    similarity: float,
) -> Change:
    """Keep a summary of each group (id of the centre, ids of all) that is still as it was.

    A group of which anything was forgotten, pinned or covered since is left alone: the next
    night finds what is left of it.
    """
    wanted = [member for _, members in groups for member in members]
    rows = _rows(connection, wanted)
    blobs = _vectors(connection, wanted)
    made: list[Experience] = []
    links: list[dict[str, Any]] = []
    for centre, members in groups:
        if not all(member in rows and not rows[member].pinned for member in members):
            continue
        percept = _middle(blobs, centre, members, similarity)
        if percept is None:
            continue
        words = _words(blobs, [centre, *members])
        summary = store.name(_experience(rows, centre, members, night, percept, words))
        made.append(summary)
        links += [{"summary_id": summary.id, "member_id": member} for member in members]
    if not made:
        return Change()
    rows_made = store.insert(connection, made, [_small(pack(summary)) for summary in made])
    connection.execute(insert(summary_members), links)
    return Change(summaries=[summary.covers for summary in made], news=rows_made)


def dissolve(
    store: Store, connection: Connection, identifiers: Sequence[bytes], reason: str, now_ns: int
) -> Change:
    """Make tombstones without content of summaries; what they covered stands for itself again."""
    column = experiences.c
    numbers = connection.execute(
        select(column.number).where(column.id.in_(identifiers), column.forgotten_ns.is_(None))
    ).scalars()
    change = Change(forgotten=list(numbers))
    encoders = connection.execute(
        select(vectors.c.encoder_id, experiences.c.number)
        .join(experiences, experiences.c.id == vectors.c.experience_id)
        .where(vectors.c.experience_id.in_(identifiers))
    )
    for encoder_id, number in encoders:
        change.dropped.setdefault(encoder_id, []).append(number)
    connection.execute(vectors.delete().where(vectors.c.experience_id.in_(identifiers)))
    connection.execute(
        summary_members.delete().where(summary_members.c.summary_id.in_(identifiers))
    )
    connection.execute(
        update(experiences)
        .where(column.id.in_(identifiers))
        .values(TOMBSTONE | {"forgotten_ns": now_ns, "forgotten_reason": reason})
    )
    store.set_clocks(connection, [(identifier, "forgotten") for identifier in identifiers])
    return change


def of_night(connection: Connection, night: bytes) -> list[bytes]:
    """Ids of the summaries that a night made and that were not dissolved."""
    column = experiences.c
    made = select(column.id).where(
        column.covers > 0, column.forgotten_ns.is_(None), column.reason.startswith(_mark(night))
    )
    return [bytes(key) for key in connection.execute(made).scalars()]


def _mark(night: bytes) -> str:
    return f"night {id_text(night)}: "


def _experience(
    rows: dict[bytes, Any],
    centre: bytes,
    members: Sequence[bytes],
    night: bytes,
    percept: NDArray[np.float32],
    words: Row | None,
) -> Experience:
    all_rows = [rows[member] for member in members]
    middle = rows[centre]
    whole = read_experience(middle, percept)
    texts = list(dict.fromkeys(row.text for row in [middle, *all_rows] if row.text))
    entities = {row.entity for row in all_rows}
    means: dict[str, Any] = {
        name: float(np.mean([getattr(row, name) for row in all_rows])) for name in DIMENSIONS
    }
    return replace(
        whole,
        start_ns=min(row.start_ns for row in all_rows),
        end_ns=max(row.end_ns for row in all_rows),
        total=max(row.total for row in all_rows),
        reason=f"{_mark(night)}{len(members)} moments alike",
        text="\n".join(texts)[:TEXT_LENGTH],
        text_embedding=None if words is None else values_of(words),
        text_encoder_id="" if words is None else words["encoder_id"],
        entity=entities.pop() if len(entities) == 1 else "",
        context=None,
        covers=len(members),
        **means,
    )


def _small(packed: Packed) -> Packed:
    """The same with vectors in int8."""
    vectors = []
    for encoder_id, role, dim, _, _, blob in packed.vectors:
        (small,) = encode_int8(np.frombuffer(blob, np.float32)[None])
        vectors.append((encoder_id, role, dim, ENCODING_INT8, zlib.crc32(small), small))
    return packed._replace(vectors=tuple(vectors))


def _middle(
    blobs: dict[bytes, dict[str, Row]],
    centre: bytes,
    members: Sequence[bytes],
    similarity: float,
) -> NDArray[np.float32] | None:
    """Mean of the members' percepts, or the centre's where a member is too far from the mean."""
    if ROLE_PERCEPT not in blobs.get(centre, {}):
        return None
    percepts = [
        values_of(row)
        for row in (blobs[member].get(ROLE_PERCEPT) for member in members if member in blobs)
        if row is not None
    ]
    mean = np.asarray(np.mean(percepts, axis=0, dtype=np.float32))
    if min(cosine(mean, percept) for percept in percepts) >= similarity:
        return np.asarray(mean / np.linalg.norm(mean), np.float32)
    return values_of(blobs[centre][ROLE_PERCEPT])


def _words(blobs: dict[bytes, dict[str, Row]], order: Sequence[bytes]) -> Row | None:
    found = (blobs[key][ROLE_WORDS] for key in order if ROLE_WORDS in blobs.get(key, {}))
    return next(found, None)


def _rows(connection: Connection, identifiers: Sequence[bytes]) -> dict[bytes, Any]:
    column, member = experiences.c, summary_members.c.member_id
    covered = connection.execute(select(member).where(member.in_(identifiers))).scalars()
    free = set(identifiers) - {bytes(key) for key in covered}
    wanted = select(experiences).where(column.id.in_(free), column.forgotten_ns.is_(None))
    return {bytes(row.id): row for row in connection.execute(wanted)}


def _vectors(connection: Connection, identifiers: Sequence[bytes]) -> dict[bytes, dict[str, Row]]:
    rows = vectors_of(connection, identifiers)
    return {key: {row["role"]: row for row in own} for key, own in rows.items()}
