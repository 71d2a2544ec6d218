"""Words of an export that were taught, in the terms of a store that has experiences of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sage.memory.exports.tables import Row
from sage_memory.core.taught.rows import values_of, word_of
from sage_memory.core.taught.taught_word import without_examples_of


def taught_here(row: Row, gone: Collection[bytes]) -> Row | None:
    """The row of a word without examples of what is forgotten here; None: it has no others.

    It is looked for anew: experiences have other numbers here.
    """
    word = without_examples_of(word_of(row), gone)
    return None if word is None else values_of(replace(word, looked_at=0))
