"""Teaching a word, and looking for it at once in what was kept last."""

from __future__ import annotations

from contextlib import closing
from typing import NamedTuple

from sage_memory.backends.picture_looks import PictureLooks
from sage_memory.core.memory import Memory
from sage_memory.core.store.taught_naming import LOOKED_BACK
from sage_memory.core.taught.taught_word import TaughtWord


class Lesson(NamedTuple):
    """What became of a word that was taught.

    Attributes:
        word: as it is kept.
        examples: that it has now.
        looked_at: of what was kept last.
        found: in so many of these it was found.
    """

    word: str
    examples: int
    looked_at: int
    found: int


def look_back(memory: Memory, word: TaughtWord) -> Lesson:
    """Look for a word that was taught in what was kept last.

    Raises:
        NotStored: the disk refused.
        ModelError: a picture shows it, and the model is not installed.
    """
    if word.kind != "picture":
        return _looked(memory, word, None)
    with closing(PictureLooks()) as opened:
        return _looked(memory, word, opened)


def _looked(memory: Memory, word: TaughtWord, opened: PictureLooks | None) -> Lesson:
    work = memory.taught_naming(opened.features if opened is not None else None)
    looked_at = work.newest(word, LOOKED_BACK)
    return Lesson(word.word, len(word.examples), looked_at, work.done.made)
