"""An experience as the example: what it was perceived as, by every model that embedded it."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.schema import ROLE_PERCEPT, experiences, vectors
from sage_memory.core.experience import unit_vector
from sage_memory.core.identifiers import id_text
from sage_memory.core.ingest.privacy import WITHHELD
from sage_memory.core.recall.meaning import Meaning
from sage_memory.core.rows.encoded_vectors import decode

ID_BYTES = 16
EXAMPLE = (
    select(
        experiences.c.number,
        experiences.c.encoder_id.label("own"),
        vectors.c.encoder_id,
        vectors.c.encoding,
        vectors.c.dim,
        vectors.c.vector,
    )
    .join(vectors, vectors.c.experience_id == experiences.c.id)
    .where(experiences.c.id == bindparam("id"), vectors.c.role == ROLE_PERCEPT)
    .order_by(vectors.c.encoder_id)
)


def example_meanings(connection: Connection, identifier: bytes) -> tuple[int, list[Meaning]]:
    """Its number, and one meaning for each model that embedded it, that of its puzzle first.

    Raises:
        InvalidInput: there is no such experience, it has no vector any more, or it is private.
    """
    rows = list(connection.execute(EXAMPLE, {"id": identifier}))
    if not rows:
        known = id_text(identifier) if len(identifier) == ID_BYTES else identifier.hex()
        raise InvalidInput("example_id", known, "an experience of this store that has a vector")
    if rows[0].own == WITHHELD:
        expected = "an experience that is not private: nothing of this one can be compared"
        raise InvalidInput("example_id", id_text(identifier), expected)
    rows.sort(key=lambda row: row.encoder_id != row.own)
    return rows[0].number, [
        Meaning(
            "the example",
            row.encoder_id,
            unit_vector("example", decode(row.encoding, row.dim, row.vector)),
            True,
        )
        for row in rows
    ]
