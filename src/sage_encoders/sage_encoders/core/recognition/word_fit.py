"""How well each class of the picture classifier answers to words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sage_common.core.words.subject import subject
from sage_encoders.core.recognition.concepts import Concepts

Embed = Callable[[str], NDArray[np.float32]]
SHARPNESS = 16
"""Power of the cosine: a fit of 0.5 at a cosine of 0.958, of 0.01 at 0.75. Chosen on the even
classes and the first, third, ... of the questions in wider words."""


class WordFit:
    """Compares words with the names of classes and of the concepts above them.

    Args:
        concepts: of the classifier.
        vectors: of all names in their order, float32 [names, D], unit length.
        embed: the embedding of words by the same encoder, float32 [D], unit length.
    """

    def __init__(self, concepts: Concepts, vectors: NDArray[np.float32], embed: Embed) -> None:
        self._concepts, self._vectors, self._embed = concepts, vectors, embed
        counts = [len(names) for names in concepts.names]
        self._first = np.cumsum([0, *counts[:-1]])

    def fits(self, words: str) -> NDArray[np.float32]:
        """How well each class answers to the words, float32 [1000] in [0, 1].

        A class answers as well as the best name of it or of a concept above it.

        Raises:
            InvalidInput: the encoder refuses the words.
        """
        asked = {words, subject(words) or words}
        cosines = np.max([self._vectors @ self._embed(text) for text in sorted(asked)], axis=0)
        of_names = np.clip(cosines, 0.0, 1.0) ** SHARPNESS
        of_concepts = np.maximum.reduceat(of_names, self._first)
        of_classes = np.where(self._concepts.belongs, of_concepts, 0.0).max(axis=1)
        return np.asarray(of_classes, np.float32)
