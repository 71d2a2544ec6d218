"""Rows of what was recognised, and of the vocabularies that their classes are numbered in."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label
from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.plain_sql import Insertion
from sage_memory.core.engine.schema import experiences, labels, vocabularies
from sage_memory.core.labels.encoding import decode
from sage_memory.core.labels.packing import PackedLabels, pack_names, unpack_names

LABELS = Insertion(labels, ("experience_id", "vocabulary", "crc32", "labels"))
_VOCABULARIES = PlainQuery(
    select(vocabularies.c.number, vocabularies.c.model_id, vocabularies.c.names).where(
        vocabularies.c.model_id.in_(KEYS)
    )
)
_OF = PlainQuery(
    select(
        labels.c.experience_id,
        vocabularies.c.model_id,
        vocabularies.c.names,
        labels.c.crc32,
        labels.c.labels,
    )
    .join(vocabularies, vocabularies.c.number == labels.c.vocabulary)
    .where(labels.c.experience_id.in_(KEYS))
    .order_by(labels.c.experience_id, labels.c.vocabulary)
)
LABEL_ROWS = (
    select(
        experiences.c.number,
        labels.c.experience_id,
        vocabularies.c.model_id,
        labels.c.crc32,
        labels.c.labels,
    )
    .join(labels, labels.c.experience_id == experiences.c.id)
    .join(vocabularies, vocabularies.c.number == labels.c.vocabulary)
)
"""Values of `LabelRow`."""
_OF_NUMBERS = PlainQuery(LABEL_ROWS.where(experiences.c.number.in_(KEYS)))
_NUMBERS = PlainQuery(
    select(experiences.c.id, experiences.c.number).where(
        experiences.c.id.in_(KEYS), experiences.c.forgotten_ns.is_(None)
    )
)


class LabelRow(NamedTuple):
    """A row of the `labels` table with the number of its experience and the id of its model."""

    number: int
    experience_id: bytes
    model_id: str
    crc32: int
    labels: bytes


class Seen(NamedTuple):
    """What a model recognised in a kept moment."""

    model_id: str
    vocabulary: tuple[str, ...]
    labels: tuple[Label, ...]


def labels_crc32(experience_id: bytes, model_id: str, blob: bytes) -> int:
    """The checksum that a row of labels must have."""
    return zlib.crc32(blob, zlib.crc32(experience_id + model_id.encode()))


def is_whole(row: LabelRow) -> bool:
    """Whether the labels of a row are what was written, and can be read."""
    if labels_crc32(row.experience_id, row.model_id, row.labels) != row.crc32:
        return False
    try:
        decode(row.labels)
    except InvalidInput:
        return False
    return True


def vocabulary_crc32(model_id: str, names: bytes) -> int:
    """The checksum that a row of a vocabulary must have."""
    return zlib.crc32(names, zlib.crc32(model_id.encode()))


def insert_labels(
    connection: Connection, found: Sequence[tuple[int, bytes, PackedLabels]]
) -> list[LabelRow]:
    """Insert labels of experiences (number, id), in the caller's transaction.

    Raises:
        InvalidInput: the store has other names of a model's classes.
    """
    if not found:
        return []
    wanted = {packed.model_id: packed.vocabulary for _, _, packed in found}
    known = _vocabulary_numbers(connection, wanted)
    rows = [
        LabelRow(number, key, packed.model_id, labels_crc32(key, packed.model_id, packed.blob),
                 packed.blob)
        for number, key, packed in found
    ]  # fmt: skip
    LABELS.run(connection, [(row[1], known[row.model_id], row.crc32, row.labels) for row in rows])
    return rows


def _vocabulary_numbers(
    connection: Connection, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, int]:
    """Numbers of vocabularies by model; those that are new to the store are taken in."""
    rows = _VOCABULARIES.rows(connection, list(wanted))
    known = {row.model_id: int(row.number) for row in rows}
    for row in rows:
        if unpack_names(bytes(row.names)) != wanted[row.model_id]:
            names = wanted[row.model_id]
            expected = f"the names that the store has for {row.model_id}"
            raise InvalidInput("vocabulary", names, expected)
    fresh = [name for name in wanted if name not in known]
    for model_id in fresh:
        blob = pack_names(wanted[model_id])
        row = {"model_id": model_id, "names": blob, "crc32": vocabulary_crc32(model_id, blob)}
        done = connection.execute(insert(vocabularies), [row])
        assert done.inserted_primary_key is not None
        known[model_id] = int(done.inserted_primary_key[0])
    return known


def vocabularies_of(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Names of the classes of each model that the store knows; damaged ones are left out."""
    found = {}
    for row in connection.execute(select(vocabularies).order_by(vocabularies.c.number)):
        with suppress(InvalidInput):
            found[str(row.model_id)] = unpack_names(bytes(row.names))
    return found


def vocabulary_sizes(connection: Connection, models: Sequence[str]) -> dict[str, int]:
    """How many classes the models have that the store knows; damaged vocabularies are left out."""
    found = {}
    for row in _VOCABULARIES.rows(connection, models):
        with suppress(InvalidInput):
            found[str(row.model_id)] = len(unpack_names(bytes(row.names)))
    return found


def remove_labels(connection: Connection, ids: Iterable[bytes], model_id: str = "") -> None:
    """Remove the labels of experiences, or those of one model."""
    gone = delete(labels).where(labels.c.experience_id == bindparam("key"))
    if model_id:
        of_model = select(vocabularies.c.number).where(vocabularies.c.model_id == model_id)
        gone = gone.where(labels.c.vocabulary == of_model.scalar_subquery())
    rows = [{"key": identifier} for identifier in ids]
    if rows:
        connection.execute(gone, rows)


def labels_of(connection: Connection, ids: Sequence[bytes]) -> dict[bytes, list[Seen]]:
    """What was recognised in experiences, by id; what is damaged is left out."""
    found: dict[bytes, list[Seen]] = {}
    for row in _OF.rows(connection, ids):
        key, blob = bytes(row.experience_id), bytes(row.labels)
        if labels_crc32(key, row.model_id, blob) != row.crc32:
            continue
        try:
            one = Seen(row.model_id, unpack_names(bytes(row.names)), decode(blob))
        except InvalidInput:
            continue
        if all(label.number < len(one.vocabulary) for label in one.labels):
            found.setdefault(key, []).append(one)
    return found


def label_rows(connection: Connection, numbers: Sequence[int]) -> list[LabelRow]:
    """All labels of experiences, by their row numbers."""
    return [
        row._replace(experience_id=bytes(row.experience_id), labels=bytes(row.labels))
        for row in map(LabelRow._make, _OF_NUMBERS.rows(connection, numbers))
    ]


def numbers_of(connection: Connection, ids: Sequence[bytes]) -> dict[bytes, int]:
    """Row numbers of experiences that are not forgotten, by id."""
    return {bytes(row.id): int(row.number) for row in _NUMBERS.rows(connection, ids)}
