"""How well names of classes, and of the concepts above them, answer to words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sage_common.core.words.content import content_words, singulars
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

    A name is never as near to a sentence as to a word. Where a sentence has names among its words,
    as "a man with a dog on a beach" has two, the name that is nearest to all of it answers as well
    as the share of names in its words, and others less by the same power of the cosine.

    Args:
        concepts: all of them.
        vectors: of all names in their order, float32 [names, D], unit length.
    """

    def __init__(self, concepts: Concepts, vectors: Vector) -> None:
        self._concepts, self._vectors = concepts, vectors
        counts = [len(names) for names in concepts.names]
        self._first = np.cumsum([0, *counts[:-1]])
        named = concepts.belongs.any(axis=0) | concepts.objects_belong.any(axis=0)
        self._names = {
            name.lower()
            for place in np.flatnonzero(named).tolist()
            for name in concepts.names[place]
        }

    def fits(self, words: str, asked: Sequence[Vector]) -> tuple[Vector, Vector]:
        """How well each class of the classifier, float32 [1000], and each category of the detector,
        float32 [80], answers to the best of several phrasings of the words, [0, 1]."""
        of_names = name_fits(self._vectors, asked)
        share = self.named_share(words)
        if share > 0.0:
            of_names = np.maximum(of_names, share * of_names / max(of_names.max(), 1e-30))
        of_concepts = np.maximum.reduceat(of_names, self._first)
        both = self._concepts.belongs, self._concepts.objects_belong
        first, second = (np.where(belongs, of_concepts, 0.0).max(axis=1) for belongs in both)
        return np.asarray(first, np.float32), np.asarray(second, np.float32)

    def named_share(self, words: str) -> float:
        """How many of the words with a meaning of their own are names, [0, 1]."""
        content = content_words(subject(words) or words)
        named = {place for place, word in enumerate(content) if singulars(word) & self._names}
        for place, (first, second) in enumerate(pairwise(content)):
            if {f"{first} {word}" for word in singulars(second)} & self._names:
                named |= {place, place + 1}
        return len(named) / max(len(content), 1)
