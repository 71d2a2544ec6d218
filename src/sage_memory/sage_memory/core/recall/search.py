"""Filter first, then compare: the index says which few can be the best, the rows which ones are.

A search has two steps. The index bounds the score of every wanted experience from above and below,
in a coarse form: int8 for vectors (see `scan`), block sums for puzzles (see `rows.sketch`). Then
exact scores are computed from the rows, the most promising first, until no other can be better
than the last of the answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.index import View
from sage_memory.core.index.int8_scan import Int8Query, cosines
from sage_memory.core.index.scan import FEW, nearest
from sage_memory.core.index.space_view import ROLES, SpaceView
from sage_memory.core.recall.exact import WORST_PUZZLE, Hit, Scored, exact_scores
from sage_memory.core.recall.meaning import Meaning, Source
from sage_memory.core.recall.multi_query import MeaningScan, nearest_to_all
from sage_memory.core.rows.rows import sketch

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
FIRST_BATCH, LARGEST_BATCH = 64, 1024
FIRST_EXACT, MOST_EXACT = 256, 16_384
"""Vectors fetched at first at most, or 4 for each answer; and in all, where so many are so alike
that int8 does not show which are nearer: about 0.1 s. Then the answers may be those of a cosine
that is less by `int8_scan.ERROR` (about 0.003)."""
SKETCH_BLOCK = 8192


@dataclass(frozen=True)
class Bounds:
    """Scores of experiences in `rows` [n], at most `upper` [n] and at least `lower` [n]."""

    rows: Rows
    upper: Floats
    lower: Floats


def search(
    view: View,
    wanted: NDArray[np.bool_],
    asked: list[Meaning],
    limit: int,
    source: Source,
) -> list[Hit]:
    """The best `limit` of the wanted experiences, best first; ties go to the later one.

    An experience has a vector for every meaning or is left out; of several (its percept's and
    its words') the best counts. Without a meaning the total salience is the score.

    Args:
        wanted: bool [n] of the view's experiences.

    Raises:
        InvalidInput: a meaning has another size than its encoder's vectors.
    """
    if not asked:
        return _most_salient(view, wanted, limit)
    for meaning in asked:
        if meaning.codes is None:
            if meaning.encoder_id not in view.spaces:
                return []
            meaning.check(view.spaces[meaning.encoder_id])
    if len(asked) == 1 and asked[0].codes is None:
        bounds = _nearest(view, wanted, asked[0], limit)
    else:
        bounds = _bounds(view, wanted, asked, limit)
    return _settled(view, bounds, asked, limit, source)


def all_comparable(view: View, meaning: Meaning) -> bool:
    """Whether it is known without a look at each that `comparable` holds of all experiences."""
    space = view.spaces.get(meaning.encoder_id)
    return space is not None and bool(space.common_kinds & _kinds(meaning))


def comparable(view: View, meaning: Meaning) -> NDArray[np.bool_]:
    """Experiences that have what a meaning is compared with: bool [n]."""
    if meaning.codes is not None:
        return np.asarray(view.columns["puzzle"], np.bool_)
    space = view.spaces.get(meaning.encoder_id)
    if space is None:
        return np.zeros(len(view.columns["number"]), np.bool_)
    return np.asarray((space.kinds & np.uint8(_kinds(meaning))) != 0)


def _most_salient(view: View, wanted: NDArray[np.bool_], limit: int) -> list[Hit]:
    rows = np.flatnonzero(wanted)
    totals = view.columns["total"][rows]
    if len(rows) > limit:
        least = np.partition(totals, len(rows) - limit)[len(rows) - limit]
        rows = rows[totals >= least]
        totals = view.columns["total"][rows]
    order = np.lexsort((-rows, -totals))[:limit]
    return [Hit(int(rows[best]), float(totals[best]), ()) for best in order]


def newest(view: View, wanted: NDArray[np.bool_], limit: int) -> list[Hit]:
    """Those of the wanted experiences that ended last, the newest first, with their salience."""
    rows = np.flatnonzero(wanted)
    order = rows[np.lexsort((-rows, -view.columns["end_ns"][rows]))[:limit]]
    return [Hit(row, float(view.columns["total"][row]), ()) for row in order.tolist()]


def _kinds(meaning: Meaning) -> int:
    return 1 if meaning.percepts_only else (1 << len(ROLES)) - 1


def slots_of(
    view: View, space: SpaceView, wanted: NDArray[np.bool_], meaning: Meaning
) -> Rows | None:
    """Slots of the wanted experiences that a meaning may be compared with; None: all slots."""
    if not (meaning.percepts_only and space.heard):
        if space.live is None and wanted.all():
            return None
        if space.aligned:
            return np.flatnonzero(wanted[: space.count])
    if space.ascending and np.count_nonzero(wanted) < space.count // 64:
        rows = np.flatnonzero(wanted)
        starts = np.searchsorted(space.rows, rows.astype(np.int32))
        ends = np.searchsorted(space.rows, rows.astype(np.int32), side="right")
        counts = ends - starts
        before = np.cumsum(counts) - counts
        slots = np.repeat(starts - before, counts) + np.arange(counts.sum())
    else:
        slots = np.flatnonzero(wanted[space.rows])
    if space.live is not None:
        slots = slots[space.live[slots]]
    if meaning.percepts_only:
        slots = slots[space.roles[slots] == 0]
    return slots


def _nearest(view: View, wanted: NDArray[np.bool_], meaning: Meaning, limit: int) -> Bounds:
    space = view.spaces[meaning.encoder_id]
    slots = slots_of(view, space, wanted, meaning)
    each = 1 if meaning.percepts_only or not space.doubled else len(ROLES)
    found, similar, error = nearest(space, meaning.vector, slots, each * limit)
    rows = space.rows[found].astype(np.int64)
    if each == 1:
        return Bounds(rows, similar + error, similar - error)
    return _by_row(rows, similar, error)


def _by_row(rows: Rows, similar: Floats, error: Floats) -> Bounds:
    """The best of each experience's vectors."""
    order = np.argsort(rows, kind="stable")
    rows, upper, lower = rows[order], (similar + error)[order], (similar - error)[order]
    if not rows.size:
        return Bounds(rows, upper, lower)
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))
    return Bounds(
        rows[firsts], np.maximum.reduceat(upper, firsts), np.maximum.reduceat(lower, firsts)
    )


def _bounds(view: View, wanted: NDArray[np.bool_], asked: list[Meaning], limit: int) -> Bounds:
    """Of those wanted experiences that can be compared by all meanings and be among the best."""
    fitting = wanted.copy()
    for meaning in asked:
        fitting &= comparable(view, meaning)
    rows = np.flatnonzero(fitting)
    if len(rows) > max(FEW, 8 * limit) and all(MeaningScan.possible(view, m) for m in asked):
        scans = [MeaningScan(view, m, slots_of(view, view.spaces[m.encoder_id], fitting, m))
                    for m in asked]  # fmt: skip
        places, similar, error = nearest_to_all(scans, limit)
        return Bounds(rows[places], similar + error, similar - error)
    upper, lower = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.float32)
    for meaning in asked:
        if meaning.codes is not None:
            upper += _puzzle_bound(view, rows, meaning.codes)
            continue
        space = view.spaces[meaning.encoder_id]
        slots = slots_of(view, space, fitting, meaning)
        slots = np.arange(space.count) if slots is None else slots
        _, similar, error = cosines(space, slots, Int8Query.of(meaning.vector))
        one = _by_row(space.rows[slots].astype(np.int64), similar, error)
        upper += one.upper
        lower += one.lower
    return Bounds(rows, upper / np.float32(len(asked)), lower / np.float32(len(asked)))


def _puzzle_bound(view: View, rows: Rows, codes: NDArray[np.uint8]) -> Floats:
    """1 - difference of the block sums / (9 * 900): never less than the true score."""
    own = sketch(codes).reshape(-1).astype(np.int16)
    bound = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), SKETCH_BLOCK):
        part = slice(start, start + SKETCH_BLOCK)
        sums = view.columns["sketch"].take(rows[part], axis=0).astype(np.int16)
        sums -= own
        np.abs(sums, out=sums)
        bound[part] = np.einsum("ij->i", sums)  # at most 9 * 900: int16 holds it
    return np.asarray(1.0 - bound / np.float32(WORST_PUZZLE), np.float32)


def _settled(
    view: View, bounds: Bounds, asked: list[Meaning], limit: int, source: Source
) -> list[Hit]:
    """Exact scores, the most promising first, until the answers are proven to be the best."""
    count = len(bounds.rows)
    only_vectors = all(meaning.codes is None for meaning in asked)
    most = MOST_EXACT if only_vectors else count
    batch = _first_batch(bounds, limit) if only_vectors else FIRST_BATCH
    best: Scored | None = None
    order = _promising(bounds, 2 * LARGEST_BATCH)
    start = 0
    while start < count:
        if start + batch > len(order) < count:
            order = _promising(bounds, 4 * (start + batch))
        chosen = order[start : start + batch]
        if best is not None and len(best.rows) == limit:
            enough = start >= most or bounds.upper[chosen[0]] < best.totals[-1]
            if enough:
                break
        scored = exact_scores(view, bounds.rows[chosen], asked, source)
        best = (scored if best is None else best.joined(scored)).best(limit)
        start += len(chosen)
        batch = min(2 * batch, LARGEST_BATCH)
    return [] if best is None else best.hits(asked)


def _promising(bounds: Bounds, count: int) -> Rows:
    """Places of at least the `count` best by their upper bound, best first; ties as in answers."""
    last = len(bounds.rows) - count
    if last <= 0:
        return np.lexsort((-bounds.rows, -bounds.upper))
    places = np.flatnonzero(bounds.upper >= np.partition(bounds.upper, last)[last])
    order = np.lexsort((-bounds.rows[places], -bounds.upper[places]))
    return np.asarray(places[order], np.int64)


def _first_batch(bounds: Bounds, limit: int) -> int:
    """How many can be among the best at all, by their bounds."""
    if len(bounds.rows) <= limit:
        return max(1, len(bounds.rows))
    least = np.partition(bounds.lower, len(bounds.lower) - limit)[len(bounds.lower) - limit]
    possible = int(np.count_nonzero(bounds.upper >= least))
    return min(possible, max(FIRST_EXACT, 4 * limit))
