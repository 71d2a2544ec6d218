"""Exact vectors and puzzles out of the rows, for the few that a search has left."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from sage_common.core.puzzle import GRID
from sage_memory.core.encoded_vectors import decode
from sage_memory.core.plain_query import KEYS, PlainQuery
from sage_memory.core.schema import experiences, vectors

VECTORS = PlainQuery(
    select(
        vectors.c.experience_id, vectors.c.role, vectors.c.encoding, vectors.c.dim, vectors.c.vector
    ).where(
        vectors.c.experience_id.in_(KEYS),
        vectors.c.encoder_id == bindparam("encoder_id"),
    )
)
PUZZLES = PlainQuery(
    select(experiences.c.id, experiences.c.codes).where(experiences.c.id.in_(KEYS))
)


class RowSource:
    """Reads within one snapshot; see `meaning.Source`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def vectors(
        self, encoder_id: str, ids: Sequence[bytes]
    ) -> dict[tuple[bytes, str], NDArray[np.float32]]:
        """Exact vectors of experiences by id and role; what is gone is left out."""
        rows = VECTORS.rows(self._connection, ids, encoder_id=encoder_id)
        return {
            (bytes(identifier), role): decode(encoding, dim, blob)
            for identifier, role, encoding, dim, blob in rows
        }

    def puzzles(self, ids: Sequence[bytes]) -> dict[bytes, NDArray[np.uint8]]:
        """Puzzles of experiences by id, uint8 [30, 30]; what is gone is left out."""
        rows = PUZZLES.rows(self._connection, ids)
        return {
            bytes(identifier): np.frombuffer(zlib.decompress(codes), np.uint8).reshape(GRID, GRID)
            for identifier, codes in rows
            if codes
        }
