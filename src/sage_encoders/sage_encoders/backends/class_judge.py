"""Which classes words ask for, of the vocabularies of models that recognised something."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sage_common.core.words.subject import without_owner
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.packaged.name_vectors import read_name_vectors
from sage_encoders.core.card import ModelError
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.sound_names import OTHER_NAMES
from sage_encoders.core.recognition.word_fit import ClassFit, Vector, name_fits, phrasings

MOST_NAMES = 512
"""Of a vocabulary whose names are embedded when they are first asked for: about a second."""
Meaning = Callable[[str], tuple[Vector, str]]
"""The meaning of words, float32 [D], unit length, and the encoder's id."""
Names = tuple[str, ...]


class ClassJudge:
    """Says how well each class is what words ask for.

    Classes of the picture classifier and of the detector are also found by the concepts above
    them; those of other models by their names, sounds by other words for them, too.

    Args:
        meaning: of words; raises what its caller is to know.
        say: told which classes cannot be asked for, and why.
    """

    def __init__(self, meaning: Meaning, say: Callable[[str], None]) -> None:
        self._meaning, self._say = meaning, say
        self._fault = ""
        self._pictures: dict[str, tuple[tuple[Names, Names], ClassFit] | None] = {}
        self._vectors: dict[tuple[str, Names], Vector] = {}

    def __call__(self, words: str, vocabularies: Mapping[str, Names]) -> dict[str, Vector]:
        """How well each class is what the words ask for, by model: float32 [classes], [0, 1].

        Models with too many classes that nobody embedded before are left out.

        Raises:
            InvalidInput: the words are refused.
        """
        meant = [self._meaning(text) for text in phrasings(words)]
        asked, encoder_id = [vector for vector, _ in meant], meant[0][1]
        pictures = self._of_pictures(encoder_id)
        of_pictures: dict[Names, Vector] = {}
        if pictures is not None and not set(pictures[0]).isdisjoint(vocabularies.values()):
            of_pictures = dict(zip(pictures[0], pictures[1].fits(words, asked), strict=True))
        found = {}
        for model_id, names in vocabularies.items():
            if names in of_pictures:
                found[model_id] = of_pictures[names]
            elif len(names) <= MOST_NAMES:
                found[model_id] = self._named_fits(encoder_id, names, asked)
            else:
                why = self._fault or f"{len(names)} classes that nobody embedded"
                self._say(f"what {model_id} recognised is not searched: {why}")
        return found

    def _of_pictures(self, encoder_id: str) -> tuple[tuple[Names, Names], ClassFit] | None:
        """Names of the classifier's and of the detector's classes, and their fit; None: they are
        not installed."""
        if encoder_id not in self._pictures:
            try:
                folder = models_folder()
                concepts = read_concepts(folder)
                vectors = read_name_vectors(folder, concepts, encoder_id)
            except ModelError as error:
                self._pictures[encoder_id], self._fault = None, str(error)
            else:
                fit = ClassFit(concepts, vectors)
                known = tuple(concepts.class_names), tuple(concepts.object_names)
                self._pictures[encoder_id] = known, fit
        return self._pictures[encoder_id]

    def _named_fits(self, encoder_id: str, names: Names, asked: Sequence[Vector]) -> Vector:
        """How well the best of its names is what the words ask for, for each class."""
        every = [
            dict.fromkeys((name, without_owner(name), *OTHER_NAMES.get(name, ())))  # my cup, cup
            for name in names
        ]
        first = np.cumsum([0, *(len(called) for called in every[:-1])])
        fits = name_fits(self._of_names(encoder_id, [n for called in every for n in called]), asked)
        return np.asarray(np.maximum.reduceat(fits, first), np.float32)

    def _of_names(self, encoder_id: str, names: Sequence[str]) -> Vector:
        key = encoder_id, tuple(names)
        if key not in self._vectors:
            self._vectors[key] = np.stack([self._meaning(name)[0] for name in names])
        return self._vectors[key]
