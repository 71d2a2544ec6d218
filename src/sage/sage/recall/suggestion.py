"""Questions that a memory answers though nobody captioned what was seen or heard."""

from __future__ import annotations

from pathlib import Path

from sage.memory.opening import open_memory
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.recall.query import Query

LEAST = 0.5
"""Probability from which on an object is worth a question."""
LOOKED_AT = 32
UNCOUNTED = ("rain", "sea waves", "sneezing")
"""Names of sounds that have no article."""


def question_after_sound(name: str) -> str:
    """A question after a sound that was named, such as "dog barking"."""
    return f"when did I hear {name if name in UNCOUNTED else f'a {name}'}?"


def suggested_question(home: Path) -> str:
    """A question after the most probable object that the memory of `home` saw in a picture.

    Empty if nothing was seen that well, or there is no memory that can be read.
    """
    try:
        with open_memory(home, read_only=True) as memory:
            answers = memory.recall(Query(modality="vision", limit=LOOKED_AT))
            seen = [one for answer in answers for one in memory.labels(answer.experience.id)]
    except MemoryFailure:
        return ""
    objects = [
        (label.probability, one.vocabulary[label.number])
        for one in seen
        for label in one.labels
        if label.box is not None and label.probability >= LEAST
    ]
    if not objects:
        return ""
    _, name = max(objects)
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"where did I see {article} {name}?"
