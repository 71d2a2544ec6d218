"""Teaching a word, and looking for it at once in what was kept last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import NamedTuple

from sage_encoders.core.card import ModelError
from sage_memory.backends.picture_looks import PictureLooks
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.memory import Memory
from sage_memory.core.store.taught_naming import LOOKED_BACK
from sage_memory.core.taught.taught_word import TaughtWord, is_taught


class Lesson(NamedTuple):
    """What became of a word that was taught.

    Attributes:
        word: as it is kept.
        examples: that it has now.
        looked_at: of what was kept last.
        found: in so many of these it was found.
        note: what is to be known besides, for instance why looking stopped; empty: nothing.
    """

    word: str
    examples: int
    looked_at: int
    found: int
    note: str = ""


@contextmanager
def looks_for(kind: str) -> Iterator[PictureLooks | None]:
    """What words of a kind are looked for with; opened before a word is stored, which is then not
    stored if it cannot be.

    Raises:
        ModelError: pictures show such words, and the model is missing or damaged.
    """
    if kind != "picture":
        yield None
        return
    with closing(PictureLooks()) as opened:
        yield opened


def look_back(memory: Memory, word: TaughtWord, opened: PictureLooks | None) -> Lesson:
    """Look for a word that was taught in what was kept last; what stops that is a note, for the
    word itself is stored."""
    work = memory.taught_naming(opened.features if opened is not None else None)
    looked_at, note = 0, ""
    try:
        if word.word in _names_untaught(memory, opened):
            note = f"{word.word} is recognised untaught, too: who asks for it is answered by both"
        looked_at = work.newest(word, LOOKED_BACK)
    except (MemoryFailure, ModelError) as error:
        note = f"stored, but what was kept before is not searched: {error}"
    return Lesson(word.word, len(word.examples), looked_at, work.done.made, note)


def _names_untaught(memory: Memory, opened: PictureLooks | None) -> set[str]:
    """What is recognised without being taught, in small letters."""
    kept = (names for by, names in memory.vocabularies().items() if not is_taught(by))
    known = chain(*kept, opened.names if opened is not None else ())
    return {name.lower() for name in known}
