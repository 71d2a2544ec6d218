"""Questions that a memory answers though nobody captioned what was seen or heard."""

from __future__ import annotations

from pathlib import Path

from sage.memory.opening import open_memory
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.memory import Memory
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
    """A question after the most probable sound that the memory of `home` has a name for, or else
    after the most probable object that it saw in a picture.

    Empty if nothing was named that well, or there is no memory that can be read.
    """
    try:
        with open_memory(home, read_only=True) as memory:
            sounds, objects = _named(memory, "audio"), _named(memory, "vision")
    except MemoryFailure:
        return ""
    if sounds:
        return question_after_sound(max(sounds)[1])
    if not objects:
        return ""
    _, name = max(objects)
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"where did I see {article} {name}?"


def keeps_a_name(home: Path, start_ns: int, end_ns: int) -> bool:
    """Whether the memory of `home` has words, or the name of a sound, from a time to another [ns].

    No if there is no memory that can be read.
    """
    when = Query(modality="audio", start_ns=start_ns, end_ns=end_ns, limit=LOOKED_AT)
    try:
        with open_memory(home, read_only=True) as memory:
            kept = [answer.experience for answer in memory.recall(when)]
            return any(one.text for one in kept) or any(
                label.probability >= LEAST
                for one in kept
                for seen in memory.labels(one.id)
                for label in seen.labels
            )
    except MemoryFailure:
        return False


def _named(memory: Memory, modality: str) -> list[tuple[float, str]]:
    """Probable names in what was kept of a sense; of pictures those of objects, with boxes."""
    answers = memory.recall(Query(modality=modality, limit=LOOKED_AT))
    return [
        (label.probability, one.vocabulary[label.number])
        for answer in answers
        for one in memory.labels(answer.experience.id)
        for label in one.labels
        if label.probability >= LEAST and (modality == "audio" or label.box is not None)
    ]
