"""Whether the nearest to words are answers at all, or nothing fits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sage_memory.core.asking import Asked
from sage_memory.core.index import View
from sage_memory.core.recall import Answer, Declined, Query
from sage_memory.core.search import comparable


class Unlike(NamedTuple):
    """What was nearest and yet is no answer, and a note that says so; empty: all fit."""

    declined: list[Declined]
    notes: list[str]


def relevant(
    view: View, asked: Asked, query: Query, nearest: list[Answer]
) -> tuple[list[Answer], Unlike]:
    """Answers, best first, if the best one reaches the floor of the query, or else none."""
    fitting = nearest, Unlike([], [])
    if query.relevance is None or query.text_embedding is None or len(asked.meanings) != 1:
        return fitting
    if not nearest or nearest[0].score >= query.relevance.most:
        return fitting
    count = int(np.count_nonzero(asked.wanted & comparable(view, asked.meanings[0])))
    best, floor = nearest[0].score, query.relevance.floor(count)
    if best >= floor:
        return fitting
    declined = [
        Declined(answer.experience.id, answer.score, f"below {floor:.2f}") for answer in nearest
    ]
    note = (
        f"nothing fits: the best of {count} was {best:.2f}, below {floor:.2f}, as words "
        "about something else are; --declined (with_declined) lists what came close"
    )
    return [], Unlike(declined, [note])
