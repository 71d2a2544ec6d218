"""Exact vectors and puzzles out of the rows, for the few that a search has left."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import experiences, vectors
from sage_memory.core.rows.encoded_vectors import decode
from sage_memory.core.rows.rows import unpack

Key = TypeVar("Key")
Value = TypeVar("Value")
Errors = type[Exception] | tuple[type[Exception], ...]
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
    """Reads within one snapshot; see `meaning.Source`.

    Attributes:
        faults: by id what could not be read of an experience, in words; it is left out.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.faults: dict[bytes, str] = {}

    def vectors(
        self, encoder_id: str, ids: Sequence[bytes]
    ) -> dict[tuple[bytes, str], NDArray[np.float32]]:
        """Exact vectors of experiences by id and role; what is gone or damaged is left out."""
        rows = VECTORS.rows(self._connection, ids, encoder_id=encoder_id)
        try:
            return _vectors(rows)
        except InvalidInput:
            what = f"its vector of {encoder_id}"
            return self._readable(rows, _vectors, InvalidInput, what)

    def puzzles(self, ids: Sequence[bytes]) -> dict[bytes, NDArray[np.uint8]]:
        """Puzzles by id, uint8 [30, 30]; what is gone or damaged is left out."""
        rows = PUZZLES.rows(self._connection, ids)
        try:
            return _puzzles(rows)
        except (zlib.error, ValueError):
            return self._readable(rows, _puzzles, (zlib.error, ValueError), "its puzzle")

    def _readable(
        self,
        rows: list[Any],
        read: Callable[[list[Any]], dict[Key, Value]],
        errors: Errors,
        what: str,
    ) -> dict[Key, Value]:
        """What can be read row by row."""
        found: dict[Key, Value] = {}
        for row in rows:
            try:
                found |= read([row])
            except errors as error:
                self.faults[bytes(row[0])] = f"{what} cannot be read: {error}"
        return found


def _vectors(rows: list[Any]) -> dict[tuple[bytes, str], NDArray[np.float32]]:
    return {
        (bytes(identifier), role): decode(encoding, dim, blob)
        for identifier, role, encoding, dim, blob in rows
    }


def _puzzles(rows: list[Any]) -> dict[bytes, NDArray[np.uint8]]:
    return {bytes(identifier): unpack(codes) for identifier, codes in rows if codes}
