"""How well the classes of the store's vocabularies are what words ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.recall.query import Query

Vocabularies = Mapping[str, tuple[str, ...]]
"""Model -> names of its classes, in order."""
ClassFits = Callable[[str, Vocabularies], Mapping[str, NDArray[np.float32]]]
"""Judges words: of each model that it knows about, how well each class is what they ask for,
float32 [classes], [0, 1]. Raises InvalidInput where the words cannot be judged."""


def with_fits(query: Query, vocabularies: Callable[[], Vocabularies], fits: ClassFits) -> Query:
    """A query of words that also asks for what was recognised.

    Unchanged without words, without labels in the store, beside an example, where nothing says how
    relevant words are, and where it asks already.

    Args:
        vocabularies: gives those of the store; asked only where it matters.
    """
    example = query.example is not None or query.example_codes is not None or query.example_id
    beside = query.text_embedding is not None and query.relevance is None
    asks = not isinstance(query.labels, Mapping) or bool(query.labels)
    if not query.text or asks or example or beside:
        return query
    known = vocabularies()
    return replace(query, labels=fits(query.text, known)) if known else query
