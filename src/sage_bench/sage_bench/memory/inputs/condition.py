"""Filters of the bench: which share of the moments they keep, and which."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.corpus import FRAME, MODALITIES, SIDE_M, Corpus, stamp_of
from sage_memory import Query

SHARES = (0.1, 0.01, 0.001)
KINDS = ("time", "salience", "modality and place")


@dataclass(frozen=True)
class Condition:
    """What must hold of a moment; fields that are None do not matter.

    Attributes:
        kind: one of `KINDS`.
        share: of the moments that it is meant to keep.
        rows: first and last row, inclusive: a span of time.
        least_total: least salience.
        modality: index in `MODALITIES`.
        centre: x, y [m] of a circle in which it was.
        radius_m: of the circle.
    """

    kind: str
    share: float
    rows: tuple[int, int] | None = None
    least_total: float | None = None
    modality: int | None = None
    centre: tuple[float, float] | None = None
    radius_m: float = 0.0

    def mask(self, corpus: Corpus) -> NDArray[np.bool_]:
        """Of which moments it holds, bool [n]."""
        kept = np.ones(len(corpus), bool)
        if self.rows is not None:
            kept[: self.rows[0]] = False
            kept[self.rows[1] + 1 :] = False
        if self.least_total is not None:
            kept &= corpus.totals >= np.float32(self.least_total)
        if self.modality is not None:
            kept &= corpus.modalities == self.modality
        if self.centre is not None:
            offset = corpus.places - np.array(self.centre)
            kept &= (offset**2).sum(axis=1) <= self.radius_m**2
        return kept

    def query(self, corpus: Corpus, vector: NDArray[np.float32], limit: int) -> Query:
        """The question as our memory is asked it."""
        if corpus.by_example:
            query = Query(example=vector, example_encoder_id=corpus.encoder_id, limit=limit)
        else:
            query = Query(text="a question", text_embedding=vector, limit=limit,
                          text_encoder_id=corpus.encoder_id)  # fmt: skip
        return query_with(query, self)


def query_with(query: Query, condition: Condition) -> Query:
    """The query with a condition added."""
    fields: dict[str, object] = {}
    if condition.rows is not None:
        first, last = condition.rows
        fields |= {"start_ns": stamp_of(first), "end_ns": stamp_of(last)}
    if condition.least_total is not None:
        fields |= {"min_salience": condition.least_total}
    if condition.modality is not None:
        fields |= {"modality": MODALITIES[condition.modality]}
    if condition.centre is not None:
        place = (*condition.centre, math.nan)
        fields |= {"place_frame": FRAME, "place": place, "place_radius_m": condition.radius_m}
    return Query(**{**vars(query), **fields})


EVERYTHING = Condition("no filter", 1.0)


def conditions(corpus: Corpus) -> list[Condition]:
    """Every kind of filter at every share."""
    made = []
    for share in SHARES:
        count = max(round(share * len(corpus)), 1)
        begin = len(corpus) // 3
        least = float(np.sort(corpus.totals)[-count])
        # Half of the moments are of each modality, so the circle holds twice the share.
        radius_m = SIDE_M * math.sqrt(2.0 * share / math.pi)
        middle = (SIDE_M / 2.0, SIDE_M / 2.0)
        made += [
            Condition("time", share, rows=(begin, begin + count - 1)),
            Condition("salience", share, least_total=least),
            Condition("modality and place", share, modality=1, centre=middle, radius_m=radius_m),
        ]
    return made
