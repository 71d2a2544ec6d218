"""One question as several models put it: each searched in its own space, then merged.

Cosines of different models do not compare: one model's strangers are at 0.1, another's at 0.6.
What compares is how far an answer stands out of what its model sees everywhere: its distance from
the mean cosine of a sample of the space, in standard deviations. Merged scores are translated back
into the terms of the first model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.index import View
from sage_memory.core.index.int8_scan import Int8Query, cosines
from sage_memory.core.recall.exact import Hit
from sage_memory.core.recall.meaning import Meaning, Source
from sage_memory.core.recall.search import search

SAMPLE = 1024
LEAST_SPREAD = 1e-3


class Background(NamedTuple):
    """Mean and standard deviation of what a question has in common with a space at large."""

    mean: float
    spread: float


def background(view: View, meaning: Meaning) -> Background | None:
    """Of an evenly spaced sample; None if no vector is there."""
    space = view.spaces.get(meaning.encoder_id)
    if space is None or not space.count:
        return None
    slots = np.arange(0, space.count, max(1, space.count // SAMPLE))
    similar = cosines(space, slots, Int8Query.of(meaning.vector)).similar
    return Background(float(similar.mean()), max(float(similar.std()), LEAST_SPREAD))


def search_merged(
    view: View, wanted: NDArray[np.bool_], choices: list[Meaning], limit: int, source: Source
) -> list[Hit]:
    """The best of all spaces, best first; an experience that is in several counts once."""
    scale: Background | None = None
    best: dict[int, Hit] = {}
    for choice in choices:
        own = background(view, choice)
        if own is None:
            continue
        scale = scale or own
        for hit in search(view, wanted, [choice], limit, source):
            outstanding = (hit.score - own.mean) / own.spread
            score = float(np.clip(scale.mean + outstanding * scale.spread, -1.0, 1.0))
            if hit.row not in best or score > best[hit.row].score:
                best[hit.row] = hit._replace(score=score)
    return sorted(best.values(), key=lambda hit: (-hit.score, -hit.row))[:limit]
