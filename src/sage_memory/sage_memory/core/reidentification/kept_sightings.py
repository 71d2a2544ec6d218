"""What the moments of a store show: objects, words that were taught, speakers, places."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_common.core.specs.modality import ModalitySpecs
from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import (
    ROLE_PERCEPT,
    experiences,
    summary_members,
    vectors,
)
from sage_memory.core.experience import Place, unit_vector
from sage_memory.core.labels.rows import Seen, labels_of
from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.places.rows import read_places
from sage_memory.core.reidentification.individual import Sighting, Vector
from sage_memory.core.rows.encoded_vectors import decode
from sage_memory.core.taught.taught_word import is_taught

MOST_MOMENTS = 10_000
"""The newest ones: their objects are linked in less than a second, unless nearly all are different
objects of one class (10 s)."""
SURE = 0.5
"""Probability from which on something that was recognised is there."""
_MOMENTS = (
    select(experiences)
    .with_only_columns(
        *(experiences.c[name] for name in ("number", "id", "start_ns", "end_ns", "modality")),
        *(experiences.c[name] for name in ("entity", "place_frame")),
        *(experiences.c[f"place_{axis}"] for axis in "xyz"),
    )
    .where(experiences.c.forgotten_ns.is_(None), experiences.c.covers == 0)
    .order_by(experiences.c.number.desc())
    .limit(MOST_MOMENTS)
)
_VECTOR = (vectors.c.encoder_id, vectors.c.encoding, vectors.c.dim, vectors.c.vector)
_OWN = PlainQuery(
    select(vectors.c.experience_id.label("id"), *_VECTOR).where(
        vectors.c.role == ROLE_PERCEPT, vectors.c.experience_id.in_(KEYS)
    )
)
_OF_SUMMARIES = PlainQuery(
    select(summary_members.c.member_id.label("id"), *_VECTOR)
    .join(vectors, vectors.c.experience_id == summary_members.c.summary_id)
    .where(vectors.c.role == ROLE_PERCEPT, summary_members.c.member_id.in_(KEYS))
)


def kept_sightings(connection: Connection, specs: ModalitySpecs) -> list[Sighting]:
    """What the newest moments of a store show, in the order of time."""
    rows = connection.execute(_MOMENTS).all()
    seen = labels_of(connection, [bytes(row.id) for row in rows])
    pictures = [
        bytes(row.id)
        for row in rows
        if bytes(row.id) in seen and specs[row.modality].payload == "picture"
    ]
    embedded = _embeddings(connection, pictures)
    places = read_places(connection)
    found = [
        one
        for row in rows
        for one in (
            *_recognised(row, seen.get(bytes(row.id), ()), embedded),
            *_named(row, places, specs[row.modality].words),
        )
    ]
    return sorted(found, key=lambda one: one.start_ns)


def _embeddings(connection: Connection, ids: Sequence[bytes]) -> dict[bytes, tuple[str, Vector]]:
    """The last embedding of each, or that of its summary where a sleep evicted its own."""
    found = {}
    for row in (*_OF_SUMMARIES.rows(connection, ids), *_OWN.rows(connection, ids)):
        vector = unit_vector("embedding", decode(row.encoding, row.dim, bytes(row.vector)))
        found[bytes(row.id)] = str(row.encoder_id), vector
    return found


def _recognised(
    row: Any, seen: Sequence[Seen], embedded: Mapping[bytes, tuple[str, Vector]]
) -> Iterator[Sighting]:
    key, place = bytes(row.id), _place(row)
    moment = (key, row.start_ns, row.end_ns)
    sure = [
        (is_taught(one.model_id), one.vocabulary[label.number])
        for one in seen
        for label in one.labels
        if label.probability >= SURE
    ]
    for taught, name in dict.fromkeys(sure):
        if taught:
            yield Sighting("word", name, *moment, place=place)
        elif key in embedded:
            yield Sighting("object", name, *moment, *embedded[key], place=place)


def _named(row: Any, places: Sequence[NamedPlace], speaks: bool) -> Iterator[Sighting]:
    moment = (bytes(row.id), row.start_ns, row.end_ns)
    kind, colon, rest = row.entity.partition(":")
    speaker = rest if colon and kind == "speaker" else row.entity if speaks and not colon else ""
    if speaker:
        yield Sighting("speaker", speaker, *moment)
    here = _place(row)
    if here is None:
        return
    for place in places:
        inside = math.dist(place.centre, here.position) <= place.radius_m
        if place.frame == here.frame and inside:
            yield Sighting("place", place.name, *moment)


def _place(row: Any) -> Place | None:
    if row.place_frame is None:
        return None
    return Place(row.place_frame, (row.place_x, row.place_y, row.place_z))
