"""One experience that stands for many: made of them, linked to them, with a vector near each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.plain_sql import Insertion
from sage_memory.core.engine.schema import (
    ENCODING_INT8,
    ROLE_PERCEPT,
    ROLE_WORDS,
    experiences,
    summary_members,
    vectors,
)
from sage_memory.core.experience import DIMENSIONS, Experience
from sage_memory.core.identifiers import id_text
from sage_memory.core.labels.packing import PackedLabels
from sage_memory.core.labels.rows import labels_of, remove_labels
from sage_memory.core.labels.summarising import merged
from sage_memory.core.rows.changes import replace_content
from sage_memory.core.rows.checksums import is_whole
from sage_memory.core.rows.encoded_vectors import encode_int8
from sage_memory.core.rows.rows import Packed, pack, read_experience
from sage_memory.core.sleep.records.rewriting import TOMBSTONE, Change, Row, values_of, vectors_of
from sage_memory.core.store.store import Store

TEXT_LENGTH = 1000
"""Most characters of the members' words that a summary keeps."""
_MEMBERS = PlainQuery(
    select(experiences).where(experiences.c.number.in_(KEYS), experiences.c.forgotten_ns.is_(None))
)
_COVERED = PlainQuery(
    select(summary_members.c.member_id).where(summary_members.c.member_id.in_(KEYS))
)
_LINKS = Insertion(summary_members, ("summary_id", "member_id"))


def summarise(
    store: Store,
    connection: Connection,
    groups: Sequence[tuple[int, Sequence[int]]],
    run: bytes,
    similarity: float,
) -> Change:
    """Keep a summary of each group (row numbers of the centre, of all) that is still as it was.

    A group of which anything was forgotten, pinned or covered since, or is damaged, is left
    alone: the next run finds what is left of it.
    """
    rows = _members(connection, [number for _, members in groups for number in members])
    free = [
        (centre, members)
        for centre, members in groups
        if all(number in rows and not rows[number].pinned for number in members)
    ]
    blobs = _vectors(connection, [rows[number].id for _, members in free for number in members])
    seen = labels_of(connection, [rows[number].id for _, members in free for number in members])
    made: list[Experience] = []
    labels: list[tuple[PackedLabels, ...]] = []
    links: list[tuple[bytes, bytes]] = []
    for centre, numbers in free:
        members = [rows[number] for number in numbers]
        percept = _middle(blobs, rows[centre].id, members, similarity)
        if percept is None:
            continue
        words = _words(blobs, [rows[centre].id, *(row.id for row in members)])
        summary = store.name(_experience(rows[centre], members, run, percept, words))
        made.append(summary)
        labels.append(merged([seen[row.id] for row in members if row.id in seen]))
        links += [(summary.id, row.id) for row in members]
    if not made:
        return Change()
    packed = [_small(pack(s, shown)) for s, shown in zip(made, labels, strict=True)]
    rows_made = store.insert(connection, made, packed)
    _LINKS.run(connection, links)
    return Change(summaries=[summary.covers for summary in made], news=rows_made)


def delete_summaries(
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
    remove_labels(connection, identifiers)
    connection.execute(
        summary_members.delete().where(summary_members.c.summary_id.in_(identifiers))
    )
    tombstone = TOMBSTONE | {"forgotten_ns": now_ns, "forgotten_reason": reason}
    replace_content(connection, identifiers, tombstone)
    store.set_clocks(connection, [(identifier, "forgotten") for identifier in identifiers])
    return change


def of_run(connection: Connection, run: bytes) -> list[bytes]:
    """Ids of the summaries that a run made and that were not dissolved."""
    column = experiences.c
    marks = [column.reason.startswith(_mark(run, word)) for word in ("run", "night")]
    made = select(column.id).where(  # older versions wrote: night
        column.covers > 0, column.forgotten_ns.is_(None), or_(*marks)
    )
    return [bytes(key) for key in connection.execute(made).scalars()]


def _mark(run: bytes, word: str = "run") -> str:
    return f"{word} {id_text(run)}: "


def _experience(
    centre: Any,
    members: Sequence[Any],
    run: bytes,
    percept: NDArray[np.float32],
    words: Row | None,
) -> Experience:
    texts = list(dict.fromkeys(row.text for row in [centre, *members] if row.text))
    entities = {row.entity for row in members}
    values = np.array([[getattr(row, name) for name in DIMENSIONS] for row in members])
    means: dict[str, Any] = dict(zip(DIMENSIONS, values.mean(axis=0).tolist(), strict=True))
    return replace(
        read_experience(centre, percept),
        start_ns=min(row.start_ns for row in members),
        end_ns=max(row.end_ns for row in members),
        total=max(row.total for row in members),
        reason=f"{_mark(run)}{len(members)} moments alike",
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
    blobs: dict[bytes, dict[str, Row]], centre: bytes, members: Sequence[Any], similarity: float
) -> NDArray[np.float32] | None:
    """Mean of the members' percepts, or the centre's where a member is too far from the mean."""
    if ROLE_PERCEPT not in blobs.get(centre, {}):
        return None
    found = (blobs.get(row.id, {}).get(ROLE_PERCEPT) for row in members)
    percepts = np.array([values_of(row) for row in found if row is not None])
    mean = percepts.mean(axis=0)
    lengths = np.linalg.norm(percepts, axis=1) * np.linalg.norm(mean)
    if np.all(percepts @ mean >= similarity * lengths):
        return np.asarray(mean / np.linalg.norm(mean), np.float32)
    return values_of(blobs[centre][ROLE_PERCEPT])


def _words(blobs: dict[bytes, dict[str, Row]], order: Sequence[bytes]) -> Row | None:
    found = (blobs[key][ROLE_WORDS] for key in order if ROLE_WORDS in blobs.get(key, {}))
    return next(found, None)


def _members(connection: Connection, numbers: Sequence[int]) -> dict[int, Any]:
    """Each moment that is there, whole and not covered, by row number."""
    rows = [row for row in _MEMBERS.rows(connection, numbers) if is_whole(row)]
    covered = {row.member_id for row in _COVERED.rows(connection, [row.id for row in rows])}
    return {row.number: row for row in rows if row.id not in covered}


def _vectors(connection: Connection, identifiers: Sequence[bytes]) -> dict[bytes, dict[str, Row]]:
    rows = vectors_of(connection, identifiers)
    return {key: {row["role"]: row for row in own} for key, own in rows.items()}
