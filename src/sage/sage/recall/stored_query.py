"""Questions and answers as the store on disk takes and gives them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sage.recall.embedding import embed_image, embed_sound
from sage.recall.question import Question, Remembered, Reply
from sage_common.core.errors import InvalidInput
from sage_encoders.backends.class_judge import ClassJudge
from sage_encoders.backends.text_relevance import text_relevance
from sage_encoders.nodes.payload_embedders import texts
from sage_memory.core.experience import DIMENSIONS
from sage_memory.core.identifiers import id_text, parse_id
from sage_memory.core.recall.format import format_declined, format_notes, format_reason
from sage_memory.core.recall.query import Answer, Query, Recalled
from sage_memory.core.recall.recognition.fits import Vocabularies, with_fits

DIGITS = 4


def reply_of(recalled: Recalled, question: Question) -> Reply:
    """The answers of a store, best first."""
    return Reply(
        tuple(_remembered(answer) for answer in recalled.answers),
        tuple(format_declined(recalled)),
        tuple(format_notes(recalled, with_filter=question.declined)),
    )


def query_of(question: Question) -> Query:
    """The query that asks this; its words are not embedded yet, a picture or a sound is.

    Raises:
        InvalidInput: a field of the question is wrong.
        ModelError: a model is not installed.
    """
    if question.image is not None and question.sound is not None:
        raise InvalidInput("sound", "beside image", "only one of them")
    example, example_by = None, ""
    if question.image is not None:
        example, example_by = embed_image(question.image)
    elif question.sound is not None:
        example, example_by = embed_sound(question.sound)
    spot = question.spot
    return Query(
        text=question.text,
        example=example,
        example_encoder_id=example_by,
        example_id=parse_id(question.like, "like") if question.like else b"",
        example_codes=question.puzzle,
        start_ns=question.start_ns or None,
        end_ns=question.end_ns or None,
        min_salience=question.min_salience,
        modality=question.modality,
        source=question.source,
        entity=question.entity,
        device_id=question.device,
        place_frame=spot.frame if spot else "",
        place=(spot.x, spot.y, spot.z) if spot else None,
        place_radius_m=spot.within_m if spot else 0.0,
        limit=question.limit,
        with_declined=question.declined,
    )


def with_words(query: Query, vocabularies: Callable[[], Vocabularies], notes: list[str]) -> Query:
    """The query with its words embedded, which also asks for what was recognised.

    Args:
        vocabularies: of the store.
        notes: what cannot be asked for is added, and why.

    Raises:
        InvalidInput: the words are refused.
        ModelError: a model is not installed.
    """
    if not query.text:
        return query
    with contextlib.closing(texts()) as embedder:
        by = embedder.encoder_id
        judge = ClassJudge(lambda words: (embedder.embed(words), by), notes.append)
        embedded = replace(
            query,
            text_embedding=embedder.embed(query.text),
            text_encoder_id=by,
            relevance=text_relevance(by),
        )
        return with_fits(embedded, vocabularies, judge)


def _remembered(answer: Answer) -> Remembered:
    experience = answer.experience
    place = None
    if experience.place is not None:
        axes = zip("xyz", experience.place.position, strict=True)
        place = {"frame": experience.place.frame} | {a: round(v, DIGITS) for a, v in axes}
    return Remembered(
        id=id_text(experience.id),
        score=_rounded(answer.score),
        start_ns=experience.start_ns,
        end_ns=experience.end_ns,
        modality=experience.modality,
        source=experience.source,
        entity=experience.entity,
        device=experience.device_id,
        salience=_rounded(experience.total),
        dimensions={name: _rounded(getattr(experience, name)) for name in DIMENSIONS},
        place=place,
        text=experience.text,
        reason=format_reason(answer),
        kept_because=experience.reason,
        encoder=experience.encoder_id,
        covers=experience.covers,
        pinned=experience.pinned,
        payload=str(answer.payload_path or ""),
        sha256=experience.payload_sha256,
        media_type=experience.payload_media_type,
    )


def _rounded(value: float) -> float:
    """As a message carries it, so that both ways show the same digits."""
    return round(float(np.float32(value)), DIGITS)
