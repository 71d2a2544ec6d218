"""Words that find pictures that nobody captioned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sage_bench.recognition.pictures import TEST, Named
from sage_bench.recognition.wide_words import WIDE_WORDS
from sage_bench.result import Row
from sage_encoders.core.recognition.concepts import Concepts

WANTED = 10
CLASS_GOAL, WIDE_GOAL = 0.90, 0.70
Fits = Callable[[str], NDArray[np.float32]]
"""How well each class is what words ask for, float32 [1000], [0, 1]."""


def rows(name: str, pictures: Named, concepts: Concepts, fits: Fits) -> tuple[Row, ...]:
    """How often the names of classes, and wider words, find the pictures that they are about."""
    by_class = class_words(pictures, concepts, fits)
    wide = wide_words(pictures, concepts, fits)
    return (
        _row(f"{name}: class words", CLASS_GOAL, by_class),
        _row(f"{name}: wider words", WIDE_GOAL, wide),
    )


def _row(words: str, goal: float, found: list[tuple[float, float]]) -> Row:
    share, chance = np.mean(found, axis=0)
    return Row(
        f"{words}, share of the possible ten found",
        float(share),
        "",
        goal,
        "higher",
        {"chance": float(chance)},
        len(found),
    )


def class_words(pictures: Named, concepts: Concepts, fits: Fits) -> list[tuple[float, float]]:
    """Of each class the share of its pictures, ten at most, in the first ten answers; and by
    chance."""
    found = []
    for number in np.unique(pictures.classes):
        scores = pictures.kept @ fits(f"a {concepts.class_names[number]}")
        relevant = pictures.classes == number
        found.append((_share_found(scores, relevant, WANTED), _by_chance(relevant)))
    return found


def wide_words(pictures: Named, concepts: Concepts, fits: Fits) -> list[tuple[float, float]]:
    """Of each question of the test the share of right answers among the first ten, or among as
    many as there are; and by chance."""
    found = []
    for place, (words, synsets) in enumerate(WIDE_WORDS.items()):
        members = np.any([concepts.members(synset) for synset in synsets.split()], axis=0)
        relevant = members[pictures.classes]
        if place % 2 == TEST and relevant.any():
            scores = pictures.kept @ fits(words)
            most = min(WANTED, int(relevant.sum()))
            found.append((_share_found(scores, relevant, most), float(relevant.mean())))
    return found


def _share_found(scores: NDArray[np.float32], relevant: NDArray[np.bool_], first: int) -> float:
    """Share of what is relevant, or of as many as are taken, among the first answers; what scores
    nothing is no answer."""
    best = np.argsort(-scores, kind="stable")[:first]
    right = relevant[best] & (scores[best] > 0.0)
    return float(right.sum() / min(first, relevant.sum()))


def _by_chance(relevant: NDArray[np.bool_]) -> float:
    count = int(relevant.sum())
    return min(1.0, WANTED * count / len(relevant) / min(WANTED, count))
