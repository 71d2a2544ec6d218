"""A query in the terms of the index: what is asked for, among which experiences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.index import View
from sage_memory.core.recall.conditions import Condition, failures
from sage_memory.core.recall.exact import Hit
from sage_memory.core.recall.meaning import Meaning, Source
from sage_memory.core.recall.merging import search_merged
from sage_memory.core.recall.query import Declined, Kept, Query
from sage_memory.core.recall.recognition.evidence import Evidence
from sage_memory.core.recall.recognition.fusion import search_fused
from sage_memory.core.recall.search import all_comparable, comparable, newest, search


@dataclass(frozen=True)
class Asked:
    """A query in the terms of the index.

    Attributes:
        meanings: all of them count.
        choices: the one meaning as several models put it; fewer than two: as one does.
        tried: the conditions.
        wanted: bool [n], experiences that fulfil them.
        kept: how many each condition left.
        example: row of the experience that is the example, -1: none is.
        evidence: of what was recognised; None: it is not asked for.
        left_out: rows of damaged experiences.
        newest_first: without a meaning, the newest are the best.
    """

    meanings: list[Meaning]
    choices: list[Meaning]
    tried: list[Condition]
    wanted: NDArray[np.bool_]
    kept: tuple[Kept, ...]
    example: int
    evidence: Evidence | None = None
    left_out: list[int] = field(default_factory=list)
    newest_first: bool = False


class Found(NamedTuple):
    """Hits, and id of an experience -> id of the summary that covers it."""

    hits: list[Hit]
    covering: dict[bytes, bytes]


def find(
    view: View, asked: Asked, limit: int, source: Source, among: NDArray[np.bool_] | None = None
) -> list[Hit]:
    """The best of the wanted experiences, or of those `among`, best first."""
    among = asked.wanted if among is None else among

    def by_meaning(count: int, some: NDArray[np.bool_]) -> list[Hit]:
        return _nearest(view, asked, count, source, some)

    if asked.evidence is not None:
        words = by_meaning if asked.meanings else None
        return search_fused(asked.evidence, among, words, limit)
    if asked.newest_first and not asked.meanings:
        return newest(view, among, limit)
    return by_meaning(limit, among)


def _nearest(
    view: View, asked: Asked, limit: int, source: Source, among: NDArray[np.bool_]
) -> list[Hit]:
    if len(asked.choices) > 1:
        return search_merged(view, among, asked.choices, limit, source)
    return search(view, among, asked.meanings, limit, source)


def close_but_declined(view: View, asked: Asked, limit: int, source: Source) -> list[Declined]:
    """The closest experiences that fail a condition, and in words which."""
    others = view.columns["alive"] & ~asked.wanted
    if asked.example >= 0:
        others[asked.example] = False
    others[asked.left_out] = False
    if not asked.tried:
        return []
    return [
        Declined(
            view.columns["id"][hit.row].tobytes(),
            hit.score,
            " and ".join(failures(view, asked.tried, hit.row)),
        )
        for hit in find(view, asked, limit, source, others)
    ]


def notes(view: View, asked: Asked) -> list[str]:
    """What could not be compared, and why."""
    if asked.evidence is not None:
        together = asked.evidence.labelled.copy()
        for choice in asked.choices:
            together |= comparable(view, choice)
        if not asked.choices:
            return _note(asked.wanted, together, "nothing that was recognised")
        models = " or ".join(choice.encoder_id for choice in asked.choices)
        lacking = f"neither words of which {models} made a vector nor anything recognised,"
        return _note(asked.wanted, together, lacking)
    if len(asked.choices) > 1:
        if any(all_comparable(view, choice) for choice in asked.choices):
            return []
        models = " or ".join(choice.encoder_id for choice in asked.choices)
        together = np.zeros_like(asked.wanted)
        for choice in asked.choices:
            together |= comparable(view, choice)
        return _note(asked.wanted, together, f"no vector of {models}")
    return [
        note
        for meaning in asked.meanings
        if not all_comparable(view, meaning)
        for note in _note(
            asked.wanted,
            comparable(view, meaning),
            "no puzzle" if meaning.codes is not None else f"no vector of {meaning.encoder_id}",
        )
    ]


def beside_example(view: View, query: Query) -> list[str]:
    """What words are not compared with beside an example: what was recognised."""
    example = query.example is not None or query.example_codes is not None or query.example_id
    if not (example and query.text and view.labels) or query.labels:
        return []
    return ["beside an example words are compared with words, not with what was recognised"]


def _note(wanted: NDArray[np.bool_], comparable_ones: NDArray[np.bool_], what: str) -> list[str]:
    count = int(np.count_nonzero(wanted & ~comparable_ones))
    if not count:
        return []
    has = "experience has" if count == 1 else "experiences have"
    return [f"{count} {has} {what} and could not be compared"]
