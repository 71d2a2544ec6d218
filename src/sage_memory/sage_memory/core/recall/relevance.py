"""Whether the nearest to words are answers at all, or nothing fits."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sage_memory.core.index.index import View
from sage_memory.core.recall.query import MAX_LIMIT, Answer, Declined, Query
from sage_memory.core.recall.query_plan import Asked
from sage_memory.core.recall.recognition.evidence import LEAST, Evidence
from sage_memory.core.recall.search import comparable

ROUNDING = 1e-9


class Unlike(NamedTuple):
    """What was near and yet is no answer, and a note that says so; empty: all fit."""

    declined: list[Declined]
    notes: list[str]


def relevant(
    view: View, asked: Asked, query: Query, nearest: list[Answer]
) -> tuple[list[Answer], Unlike]:
    """Answers, best first, that reach the floor of the query; all where it has none."""
    if asked.evidence is not None:
        return _probable(view, asked, asked.evidence, nearest)
    fitting = nearest, Unlike([], [])
    if query.relevance is None or query.text_embedding is None or len(asked.meanings) != 1:
        return fitting
    if not nearest or nearest[-1].score >= query.relevance.most:
        return fitting
    count = int(np.count_nonzero(asked.wanted & comparable(view, asked.meanings[0])))
    floor = query.relevance.floor(count)
    answers = [answer for answer in nearest if answer.score >= floor]
    declined = [
        Declined(answer.experience.id, answer.score, f"below {floor:.2f}")
        for answer in nearest[len(answers) :]
    ]
    if answers:
        return answers, Unlike(declined, [])
    note = (
        f"nothing fits: the best of {count} was {nearest[0].score:.2f}, below {floor:.2f}, as "
        "words about something else are; --declined (with_declined) lists what came close"
    )
    return [], Unlike(declined, [note])


def most_searched(asked: Asked, query: Query) -> int:
    """How many are searched for: all that fit, where the newest of them are asked for."""
    tells = asked.evidence is not None or (query.relevance is not None and len(asked.meanings) == 1)
    return MAX_LIMIT if query.newest_first and tells else query.limit


def in_order(answers: list[Answer], query: Query) -> list[Answer]:
    """Answers as the query wants them: the best first, or the newest of them."""
    if not query.newest_first:
        return answers
    ordered = sorted(answers, key=lambda one: (-one.experience.end_ns, one.rank))[: query.limit]
    return [replace(answer, rank=rank) for rank, answer in enumerate(ordered, start=1)]


def _probable(
    view: View, asked: Asked, evidence: Evidence, nearest: list[Answer]
) -> tuple[list[Answer], Unlike]:
    """Answers that are probable enough, by what was recognised and by words."""
    answers = [answer for answer in nearest if answer.score >= LEAST - ROUNDING]
    declined = [
        Declined(answer.experience.id, answer.score, f"its probability is below {LEAST:.2f}")
        for answer in nearest[len(answers) :]
    ]
    if answers or not nearest:
        return answers, Unlike(declined, [])
    compared = evidence.labelled.copy()
    for choice in asked.choices:
        compared |= comparable(view, choice)
    count = int(np.count_nonzero(asked.wanted & compared))
    note = (
        f"nothing fits: the most probable of {count} has a probability of {nearest[0].score:.2f}, "
        f"below {LEAST:.2f}; --declined (with_declined) lists what came close"
    )
    return [], Unlike(declined, [note])
