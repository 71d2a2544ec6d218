"""What the picture classifier can name: 1,000 classes, and the wider concepts they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError

FILE = "imagenet_concepts.tsv"
CLASSES = 1000
COLUMNS = 3


@dataclass(frozen=True)
class Concepts:
    """Classes and the concepts above them: synsets of WordNet 3.0 (Princeton University).

    Attributes:
        ids: of each concept, `n` and its offset in WordNet; the first 1,000 are the classes of
            ImageNet's challenge of 2012, in their order.
        names: of each concept, the usual one first.
        above: places of the concepts directly above each.
        belongs: bool [1000, concepts]; whether a class is a concept or one below it.
    """

    ids: Sequence[str]
    names: Sequence[Sequence[str]]
    above: Sequence[Sequence[int]]
    belongs: NDArray[np.bool_]

    @property
    def class_names(self) -> list[str]:
        """The usual name of each class; where two have the same, with what it is beside it."""
        usual = [names[0] for names in self.names[:CLASSES]]
        times = Counter(usual)
        return [
            name if times[name] == 1 else self._told_apart(number)
            for number, name in enumerate(usual)
        ]

    def _told_apart(self, number: int) -> str:
        return f"{self.names[number][0]} ({self.names[self.above[number][0]][0]})"

    def members(self, concept: str) -> NDArray[np.bool_]:
        """Whether each class is a concept, given by its id, or one below it: bool [1000].

        Raises:
            ValueError: none of these concepts has that id.
        """
        return np.asarray(self.belongs[:, self.ids.index(concept)])


def read_concepts(folder: Path) -> Concepts:
    """Read them from the folder of the models.

    Raises:
        ModelError: no such file, or not one of concepts.
    """
    path = folder / FILE
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: concepts that cannot be read: {error}") from error
    rows = [line.split("\t") for line in lines]
    for number, row in enumerate(rows, 1):
        if len(row) != COLUMNS or not row[1]:
            raise ModelError(f"{path}: line {number}: expected an id, names, and ids above it")
    if len(rows) < CLASSES:
        raise ModelError(f"{path}: {len(rows)} concepts: expected {CLASSES} classes and more")
    ids = [row[0] for row in rows]
    places = {concept: place for place, concept in enumerate(ids)}
    try:
        above = [[places[concept] for concept in row[2].split()] for row in rows]
    except KeyError as error:
        raise ModelError(f"{path}: a concept above others, {error}, is not in it") from error
    return Concepts(ids, [row[1].split("|") for row in rows], above, _belonging(above))


def _belonging(above: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    belongs = np.zeros((CLASSES, len(above)), np.bool_)
    for number in range(CLASSES):
        waiting = [number]
        while waiting:
            place = waiting.pop()
            if not belongs[number, place]:
                belongs[number, place] = True
                waiting += above[place]
    return belongs
