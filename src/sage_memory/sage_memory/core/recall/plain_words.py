"""Experiences and queries of nothing but words, embedded by the model that comes as a package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput, nearest_name
from sage_common.core.puzzle import Percept
from sage_common.core.relevance import Relevance
from sage_memory.core.experience import Experience, check_text
from sage_memory.core.recall.query import Query
from sage_memory.core.recall.recognition.fits import ClassFits, Vocabularies, with_fits

MODALITY, SOURCE = "language", "words"
NEUTRAL = 0.5


class WordEmbedder(Protocol):
    """Gives words a meaning and a puzzle."""

    encoder_id: str
    relevance: Relevance | None
    class_fits: ClassFits

    def embed(self, text: str) -> NDArray[np.float32]:
        """Meaning, float32 [D].

        Raises:
            InvalidInput: the text is blank or too long.
        """

    def percept(self, text: str, stamp_ns: int, source: str) -> Percept:
        """Meaning and puzzle.

        Raises:
            InvalidInput: the text is blank or too long.
        """


def packaged() -> WordEmbedder:
    """The one that comes as a package, loaded at the first use.

    Raises:
        MemoryFailure: it is not installed.
    """
    from sage_memory.backends.packaged_words import embedder

    return embedder()


def experience(text: str, now_ns: int, fields: Mapping[str, Any]) -> Experience:
    """Words as a moment of its own, with other values in `fields`.

    Raises:
        InvalidInput: the text is blank, or there is no such field.
        MemoryFailure: the model is not installed.
    """
    start_ns = fields.get("start_ns", now_ns)
    percept = packaged().percept(_text(text), start_ns, fields.get("source", SOURCE))
    said = Experience(
        start_ns=start_ns,
        end_ns=fields.get("end_ns", start_ns),
        modality=MODALITY,
        source=percept.source,
        codes=percept.codes,
        embedding=percept.embedding,
        encoder_id=percept.encoder_id,
        surprise=0.0,
        novelty=0.0,
        arousal=0.0,
        reward=NEUTRAL,
        conflict=0.0,
        total=NEUTRAL,
        text=text,
    )
    _check_names("fields", fields, said)
    return replace(said, **fields)


def query(
    text: str, conditions: Mapping[str, Any], vocabularies: Callable[[], Vocabularies]
) -> Query:
    """Words as a question, also for what was recognised, with other values in `conditions`.

    Args:
        vocabularies: gives those of the store.

    Raises:
        InvalidInput: the text is blank, or there is no such condition.
        MemoryFailure: the model is not installed.
    """
    embedder = packaged()
    asked = Query(
        text=text,
        text_embedding=embedder.embed(_text(text)),
        text_encoder_id=embedder.encoder_id,
        relevance=embedder.relevance,
    )
    _check_names("conditions", conditions, asked)
    return with_fits(replace(asked, **conditions), vocabularies, embedder.class_fits)


def _text(text: str) -> str:
    check_text("text", text)
    return text


def _check_names(what: str, given: Mapping[str, Any], record: Experience | Query) -> None:
    known = vars(record)
    for name in sorted(given.keys() - known.keys()):
        kind, nearest = type(record).__name__, nearest_name(name, known)
        raise InvalidInput(what, name, f"fields of {kind}; the nearest known is {nearest}")
