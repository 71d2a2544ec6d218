"""What a query asks for by meaning: vectors, each in the space of its encoder, and puzzles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_memory.core.experience import unit_vector
from sage_memory.core.index.space_view import SpaceView
from sage_memory.core.recall.query import Query


@dataclass(frozen=True)
class Meaning:
    """Something to compare with.

    Attributes:
        name: in words.
        encoder_id: space of the comparison; empty: puzzles are compared.
        vector: float32 [dim] of unit length; empty for puzzles.
        percepts_only: words heard around a percept do not count.
        codes: uint8 [30, 30] for puzzles, else None.
    """

    name: str
    encoder_id: str
    vector: NDArray[np.float32]
    percepts_only: bool
    codes: NDArray[np.uint8] | None = None

    def check(self, space: SpaceView) -> None:
        """Prove that it fits a space.

        Raises:
            InvalidInput: it has another size than its encoder's vectors.
        """
        if self.vector.size != space.dim:
            raise InvalidInput(
                f"embedding of {self.name}",
                (self.vector.size,),
                f"({space.dim},) as all of {self.encoder_id}",
            )


class Source(Protocol):
    """Where a search finds what the index holds in a coarse form only; in practice, the rows."""

    def vectors(
        self, encoder_id: str, ids: Sequence[bytes]
    ) -> dict[tuple[bytes, str], NDArray[np.float32]]:
        """Exact vectors of experiences by id and role; what is gone is left out."""

    def puzzles(self, ids: Sequence[bytes]) -> dict[bytes, NDArray[np.uint8]]:
        """Puzzles of experiences by id, uint8 [30, 30]; what is gone is left out."""


def meanings(query: Query) -> list[Meaning]:
    """The meanings that a query gives itself; an example by id is looked up by the reader."""
    found = []
    if query.text_embedding is not None:
        vector = unit_vector("text_embedding", query.text_embedding)
        found.append(Meaning(f'"{query.text}"', query.text_encoder_id, vector, False))
    if query.example is not None:
        vector = unit_vector("example", query.example)
        found.append(Meaning("the example", query.example_encoder_id, vector, True))
    if query.example_codes is not None:
        nothing = np.zeros(0, np.float32)
        found.append(Meaning("the puzzle", "", nothing, True, query.example_codes))
    return found


def alternatives(query: Query, first: Meaning) -> list[Meaning]:
    """The same question as other models put it.

    Raises:
        InvalidInput: one of them is not a vector.
    """
    return [
        Meaning(
            first.name,
            encoder_id,
            unit_vector(f"alternatives[{encoder_id!r}]", vector),
            first.percepts_only,
        )
        for encoder_id, vector in sorted(query.alternatives.items())
        if encoder_id != first.encoder_id
    ]
