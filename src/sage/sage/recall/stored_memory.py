"""Asking the store on disk while no graph runs."""

from __future__ import annotations

from pathlib import Path

from sage.recall.question import Question, Remembered
from sage_encoders.backends.minilm import open_text_embedder
from sage_memory.core.identifiers import id_text, parse_id
from sage_memory.core.memory import Memory
from sage_memory.core.recall import Answer, Query


def ask_store(home: Path, question: Question) -> list[Remembered]:
    """The answers of the store in `home`, best first; the store is opened read-only.

    Raises:
        InvalidInput: a field of the question is wrong.
        StoreMissing, StoreDamaged: there is no store, or it cannot be read.
        ModelError: the language model is not installed.
    """
    with Memory.open(home, read_only=True) as memory:
        return [_remembered(answer) for answer in memory.recall(_query(question))]


def _query(question: Question) -> Query:
    embedding, encoder_id = None, ""
    if question.text:
        embedder, _ = open_text_embedder()
        embedding, encoder_id = embedder.embed(question.text), embedder.encoder_id
    return Query(
        text=question.text,
        text_embedding=embedding,
        text_encoder_id=encoder_id,
        example_id=parse_id(question.like, "like") if question.like else b"",
        start_ns=question.start_ns or None,
        end_ns=question.end_ns or None,
        min_salience=question.min_salience,
        modality=question.modality,
        limit=question.limit,
    )


def _remembered(answer: Answer) -> Remembered:
    experience = answer.experience
    return Remembered(
        id=id_text(experience.id),
        score=round(answer.score, 4),
        start_ns=experience.start_ns,
        modality=experience.modality,
        source=experience.source,
        salience=round(experience.total, 4),
        text=experience.text,
        reason=answer.reason,
        kept_because=experience.reason,
        payload=str(answer.payload_path) if answer.payload_path else answer.payload_note,
    )
