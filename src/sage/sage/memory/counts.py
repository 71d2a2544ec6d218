"""What a memory holds, in numbers, counted from its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from sage_memory.core.engine import schema


@dataclass(frozen=True)
class Counts:
    """What a memory holds.

    Attributes:
        device: that it is of.
        schema_version: of its tables.
        experiences: that can be recalled, summaries among them.
        modalities: modality -> how many of them.
        summaries, covered: summaries, and moments that they stand for.
        pinned: never evicted.
        forgotten: tombstones.
        oldest_ns, newest_ns: first start and last end [ns]; None of an empty memory.
        vectors: encoder -> encoding -> how many.
        labels: model -> experiences in which it recognised something.
        payloads, payload_bytes: kept verbatim.
        sleeps: state -> how many.
        can_be_undone: evictions that can still be undone.
        entities: whose trust is known.
        places: that are known by name.
        taught_words: words that were taught.
    """

    device: str
    schema_version: int
    experiences: int
    modalities: dict[str, int]
    summaries: int
    covered: int
    pinned: int
    forgotten: int
    oldest_ns: int | None
    newest_ns: int | None
    vectors: dict[str, dict[str, int]]
    labels: dict[str, int]
    payloads: int
    payload_bytes: int
    sleeps: dict[str, int]
    can_be_undone: int
    entities: int
    places: int
    taught_words: int


def count(connection: Connection) -> Counts:
    """The numbers of the store that `connection` sees."""
    table, alive = schema.experiences, schema.experiences.c.forgotten_ns.is_(None)
    total, summaries, covered, pinned, oldest, newest = connection.execute(
        select(
            func.count(),
            func.count().filter(table.c.covers > 0),
            func.coalesce(func.sum(table.c.covers), 0),
            func.coalesce(func.sum(table.c.pinned), 0),
            func.min(table.c.start_ns),
            func.max(table.c.end_ns),
        ).where(alive)
    ).one()
    meta = connection.execute(select(schema.meta.c.key, schema.meta.c.value))
    facts = {row.key: row.value for row in meta}
    payloads, payload_bytes = connection.execute(
        select(func.count(), func.coalesce(func.sum(schema.payloads.c.bytes), 0))
    ).one()
    lost = schema.forgettings.c
    undoable = (lost.undone_ns.is_(None), lost.undo_until_ns.is_not(None))
    return Counts(
        device=facts["device_id"],
        schema_version=int(facts["schema_version"]),
        experiences=total,
        modalities=_grouped(connection, table.c.modality, alive),
        summaries=summaries,
        covered=int(covered),
        pinned=int(pinned),
        forgotten=_number(connection, table, table.c.forgotten_ns.is_not(None)),
        oldest_ns=oldest,
        newest_ns=newest,
        vectors=_vectors(connection),
        labels=_labels(connection),
        payloads=payloads,
        payload_bytes=int(payload_bytes),
        sleeps=_grouped(connection, schema.runs.c.state),
        can_be_undone=_number(connection, schema.forgettings, *undoable),
        entities=_number(connection, schema.entities),
        places=_number(connection, schema.places),
        taught_words=_number(connection, schema.taught_words),
    )


def _number(connection: Connection, table: Any, *conditions: Any) -> int:
    counted = select(func.count()).select_from(table).where(*conditions)
    return int(connection.execute(counted).scalar_one())


def _grouped(connection: Connection, column: Any, *conditions: Any) -> dict[str, int]:
    counted = select(column, func.count()).where(*conditions).group_by(column).order_by(column)
    return {str(name): int(number) for name, number in connection.execute(counted)}


def _vectors(connection: Connection) -> dict[str, dict[str, int]]:
    keys = (schema.vectors.c.encoder_id, schema.vectors.c.encoding)
    counted = select(*keys, func.count()).group_by(*keys).order_by(*keys)
    found: dict[str, dict[str, int]] = {}
    for encoder_id, encoding, number in connection.execute(counted):
        found.setdefault(encoder_id, {})[encoding] = number
    return found


def _labels(connection: Connection) -> dict[str, int]:
    own, model_id = schema.labels.c, schema.vocabularies.c.model_id
    counted = (
        select(model_id, func.count(own.number))
        .join(schema.labels, own.vocabulary == schema.vocabularies.c.number)
        .group_by(model_id)
        .order_by(model_id)
    )
    return {str(name): int(number) for name, number in connection.execute(counted)}
