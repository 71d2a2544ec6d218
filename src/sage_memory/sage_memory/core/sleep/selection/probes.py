"""Questions drawn from the memory itself: does it still answer them?"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import ENCODING_INT8, ROLE_WORDS, summary_members
from sage_memory.core.recall.query import Query
from sage_memory.core.recall.reader import Reader
from sage_memory.core.rows.encoded_vectors import decode, encode_int8
from sage_memory.core.sleep.records.rewriting import values_of, vectors_of
from sage_memory.core.sleep.selection.survey import Survey

BEST = 10
"""A question is answered if what it is about is among so many best answers."""
NOISE = 0.3
"""Length of the noise on a percept of length 1: the question has a cosine of 0.96 to it."""


@dataclass(frozen=True)
class Question:
    """What to ask, and which experience must answer.

    Attributes:
        identifier: 16 bytes of the experience.
        salient: it is above the floor, or pinned.
        encoder_id: space of `vector`.
        words: `vector` is the meaning of words heard; else a percept, with noise.
        vector: float32 [D].
    """

    identifier: bytes
    salient: bool
    encoder_id: str
    words: bool
    vector: NDArray[np.float32]

    def to_json(self) -> list[Any]:
        """Values for the record of a run; the vector as int8."""
        (blob,) = encode_int8(self.vector[None])
        coded = base64.b64encode(blob).decode()
        return [self.identifier.hex(), self.salient, self.encoder_id, self.words,
                self.vector.size, coded]  # fmt: skip

    @classmethod
    def of_json(cls, values: Sequence[Any]) -> Question:
        """Of these values."""
        key, salient, encoder_id, words, dim, coded = values
        vector = decode(ENCODING_INT8, dim, base64.b64decode(coded))
        return cls(bytes.fromhex(key), salient, encoder_id, words, vector)


def draw_questions(
    connection: Connection, seen: Survey, floor: float, count: int, rng: np.random.Generator
) -> list[Question]:
    """Up to `count` questions about salient experiences, and as many about all moments."""
    salient = seen.protected(floor)
    pools = [np.flatnonzero(salient), np.flatnonzero(seen.covers == 0)]
    questions = []
    for pool, about_salient in zip(pools, (True, False), strict=True):
        rows = rng.choice(pool, min(count, len(pool)), replace=False)
        questions += [
            question
            for row in np.sort(rows)
            for question in _questions(connection, bytes(seen.identifier[row]), about_salient, rng)
        ]
    return questions


def _questions(
    connection: Connection, identifier: bytes, salient: bool, rng: np.random.Generator
) -> list[Question]:
    rows = vectors_of(connection, [identifier]).get(identifier, [])
    if not rows:
        return []
    row = next((row for row in rows if row["role"] == ROLE_WORDS), rows[0])
    words = row["role"] == ROLE_WORDS
    vector = values_of(row) if words else perturbed(values_of(row), NOISE, rng)
    return [Question(identifier, salient, row["encoder_id"], words, vector)]


def perturbed(
    vector: NDArray[np.float32], noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The vector with noise of this length, relative to its own, in a random direction."""
    direction = rng.normal(size=vector.size)
    direction *= noise * float(np.linalg.norm(vector)) / float(np.linalg.norm(direction))
    return (vector + direction).astype(np.float32)


@dataclass(frozen=True)
class Recalled:
    """Shares of the questions that were answered, [0, 1]; 1 where there are none."""

    salient: float
    all: float


def ask(reader: Reader, questions: Sequence[Question]) -> Recalled:
    """Ask them all. Answered: the experience, or the summary that covers it, is among the best.

    Every moment answers for itself, also one that a summary covers, so that before and after
    mean the same.
    """
    with reader.snapshot() as connection:
        links = connection.execute(
            select(summary_members.c.member_id, summary_members.c.summary_id).where(
                summary_members.c.member_id.in_([q.identifier for q in questions])
            )
        ).all()
    summary_of = {bytes(member): bytes(summary) for member, summary in links}
    shares = []
    for salient in (True, False):
        asked = [q for q in questions if q.salient == salient]
        hits = [_answered(reader, q, summary_of.get(q.identifier, b"")) for q in asked]
        shares.append(float(np.mean(hits)) if hits else 1.0)
    return Recalled(*shares)


def _answered(reader: Reader, question: Question, summary: bytes) -> bool:
    if question.words:
        query = Query(
            text="?", text_embedding=question.vector, text_encoder_id=question.encoder_id,
            limit=BEST, covered=True,
        )  # fmt: skip
    else:
        query = Query(
            example=question.vector, example_encoder_id=question.encoder_id,
            limit=BEST, covered=True,
        )  # fmt: skip
    found = {answer.experience.id for answer in reader.recall(query)}
    return question.identifier in found or bool(summary and summary in found)
