"""How well names of classes, and of the concepts above them, answer to words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.words.subject import subject
from sage_encoders.core.recognition.concepts import Concepts

Vector = NDArray[np.float32]
SHARPNESS = 16
"""Power of the cosine: a fit of 0.5 at a cosine of 0.958, of 0.01 at 0.75. Chosen on the even
classes and the first, third, ... of the questions in wider words."""


def phrasings(words: str) -> list[str]:
    """The words, and what they are about, where that is less."""
    return sorted({words, subject(words) or words})


def name_fits(vectors: Vector, asked: Sequence[Vector]) -> Vector:
    """How well each name answers to the best of several phrasings, float32 [names] in [0, 1].

    Args:
        vectors: of the names, float32 [names, D], unit length.
        asked: of the phrasings by the same encoder, float32 [D] each, unit length.
    """
    cosines = (vectors @ np.stack(asked, axis=1)).max(axis=1)
    return np.asarray(np.clip(cosines, 0.0, 1.0) ** SHARPNESS, np.float32)


class ClassFit:
    """Judges what pictures can be named, each class by the best name of it or of what is above it.

    Args:
        concepts: all of them.
        vectors: of all names in their order, float32 [names, D], unit length.
    """

    def __init__(self, concepts: Concepts, vectors: Vector) -> None:
        self._concepts, self._vectors = concepts, vectors
        counts = [len(names) for names in concepts.names]
        self._first = np.cumsum([0, *counts[:-1]])

    def fits(self, asked: Sequence[Vector]) -> Vector:
        """How well each class answers to the best of several phrasings, float32 [1000], [0, 1]."""
        return self._best(self._concepts.belongs, asked)

    def thing_fits(self, asked: Sequence[Vector]) -> Vector:
        """How well each category of the detector does, float32 [80], [0, 1]."""
        return self._best(self._concepts.things_belong, asked)

    def _best(self, belongs: NDArray[np.bool_], asked: Sequence[Vector]) -> Vector:
        of_concepts = np.maximum.reduceat(name_fits(self._vectors, asked), self._first)
        return np.asarray(np.where(belongs, of_concepts, 0.0).max(axis=1), np.float32)
