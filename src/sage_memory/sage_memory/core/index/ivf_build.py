"""Cells of a space: k-means on a sample, every vector to its cell, and how far a search must look.

How far is measured, not assumed: the true nearest of sample questions are found by comparing with
everything. Half of the questions lie near a stored vector; the others are the mean of a cell, asked
as if that cell were not there: like nothing that is stored, as most new questions are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.ivf_lists import ANSWERS, MOST_SHARE, REACH, Cells
from sage_memory.core.index.numpy_two import vecdot
from sage_memory.core.index.quantised import pack, word_count
from sage_memory.core.index.rotation import rotated
from sage_memory.core.index.space_view import SpaceCopy

Floats = NDArray[np.float32]
SEED = 0
CELLS_PER_ROOT = 4
"""Cells, in square roots of the number of vectors."""
SAMPLE, ROUNDS = 50_000, 6
BLOCK = 2048
ROUNDING = 1e-5
"""Two ways to multiply the same float32 differ by less."""
QUESTIONS = 200
"""Of either kind."""
NOISE = 0.7
"""Length of what is added to a stored unit vector: leaves a cosine of about 0.82."""
IN_CELLS = 0.995, 0.99
"""Share of the true nearest that lie in `probes` cells, for either kind of question; near stored
vectors that many must lie within the margin, too."""
IN_MARGIN = 0.987
"""Share that lie in those of them within the margin, for both kinds together: the last few of what
is unlike all that is stored would cost every other question twice the time."""
IN_DEPTH = 0.998
"""Share of these that int8 gets to see."""
DEPTHS = (64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1536, 2048)


class CellsBuilt(NamedTuple):
    """What came of building the cells of a space.

    Attributes:
        vectors: that were there.
        cells: how many heaps they were put in.
        probes: cells that a search for ten looks into at most; 0: too many, none were kept.
        depth: vectors that it then compares in int8.
        recall: share of the ten nearest that sample questions near stored vectors found.
        recall_unlike: the same of questions unlike all that is stored.
    """

    vectors: int
    cells: int
    probes: int
    depth: int
    recall: float
    recall_unlike: float


@dataclass(frozen=True)
class _Questions:
    """What is asked to measure how far a search must look.

    Attributes:
        vectors: float32 [q, dim], unit length.
        left: int64 [q], cell that is asked as if it were not there; -1: none.
        nearest: int64 [q, ANSWERS], the true nearest slots.
    """

    vectors: Floats
    left: NDArray[np.int64]
    nearest: NDArray[np.int64]


def build(space: SpaceCopy) -> tuple[Cells | None, CellsBuilt]:
    """The cells of a space; None where looking into a third of them would not find enough."""
    rng = np.random.default_rng(SEED)
    homes, means = _assigned(space, _centroids(space, rng))
    cells = _filled(space, homes, means)
    questions = _asked(space, homes, means, rng)
    ranks, gaps = _cell_ranks(cells, homes, questions)
    probes = 1 + max(
        int(_quantile(half, share))
        for half, share in zip(np.split(ranks, 2), IN_CELLS, strict=True)
    )
    if probes > MOST_SHARE * len(means):
        shares = _of_either(ranks < math.floor(MOST_SHARE * len(means)))
        return None, CellsBuilt(len(homes), len(means), 0, 0, *shares)
    inside = np.where(ranks < probes, gaps, np.inf)
    near = np.split(inside, 2)[0]
    margin = max(_quantile(near, IN_CELLS[0]), _quantile(inside, IN_MARGIN)) + ROUNDING
    cells = replace(cells, probes=probes, margin=margin)
    depths = _depths(cells, questions)
    wanted = IN_DEPTH * float(np.mean(depths < cells.known))
    depth = next((d for d in DEPTHS if np.mean(depths < d) >= wanted), DEPTHS[-1])
    built = CellsBuilt(len(homes), len(means), probes, depth, *_of_either(depths < depth))
    return replace(cells, depth=depth), built


def _blocks(space: SpaceCopy) -> Iterator[tuple[int, Floats]]:
    """First slot and vectors, a block at a time."""
    base = 0
    for chunk in space.chunks:
        for start in range(0, len(chunk.codes), BLOCK):
            part = slice(start, start + BLOCK)
            yield base + start, chunk.codes[part] * chunk.scales[part, None]
        base += len(chunk.codes)


def _vectors(space: SpaceCopy, slots: NDArray[np.int64]) -> Floats:
    """Vectors [n, dim] of ascending slots."""
    parts = []
    for index, chunk in enumerate(space.chunks):
        inside = slots[slots // space.size == index] - index * space.size
        parts.append(chunk.codes[inside] * chunk.scales[inside, None])
    return np.concatenate(parts)


def _centroids(space: SpaceCopy, rng: np.random.Generator) -> Floats:
    """Unit centroids [cells, dim] by spherical k-means on a sample."""
    count = len(space.rows)
    sample = np.sort(rng.choice(count, min(SAMPLE, count), replace=False))
    vectors = _vectors(space, sample)
    cells = min(round(CELLS_PER_ROOT * math.sqrt(count)), len(sample) // 4)
    centroids = _unit(vectors[rng.choice(len(vectors), cells, replace=False)])
    for _ in range(ROUNDS):
        homes = np.concatenate([
            (vectors[start : start + BLOCK] @ centroids.T).argmax(axis=1)
            for start in range(0, len(vectors), BLOCK)
        ])  # fmt: skip
        sums = np.zeros_like(centroids)
        _add_by_cell(sums, vectors, homes)
        empty = np.flatnonzero(np.bincount(homes, minlength=cells) == 0)
        sums[empty] = vectors[rng.choice(len(vectors), len(empty), replace=False)]
        centroids = _unit(sums)
    return centroids


def _assigned(space: SpaceCopy, centroids: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The cell of each slot [n], and the mean of each cell that is not empty."""
    homes = np.empty(len(space.rows), np.int64)
    sums = np.zeros_like(centroids)
    for start, vectors in _blocks(space):
        near = (vectors @ centroids.T).argmax(axis=1)
        homes[start : start + len(near)] = near
        _add_by_cell(sums, vectors, near)
    counts = np.bincount(homes, minlength=len(sums))
    used = np.flatnonzero(counts)
    renamed = np.zeros(len(sums), np.int64)
    renamed[used] = np.arange(len(used))
    means = np.asarray(sums[used] / counts[used, None], np.float32)
    return renamed[homes], means


def _filled(space: SpaceCopy, homes: NDArray[np.int64], means: Floats) -> Cells:
    order = np.argsort(homes, kind="stable").astype(np.int32)
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    counts = np.bincount(homes, minlength=len(means))
    bits = np.empty((len(homes), word_count(space.dim)), np.uint64)
    squares, sizes = np.zeros(len(means)), np.zeros(len(means))
    for start, vectors in _blocks(space):
        here = homes[start : start + len(vectors)]
        vectors -= means[here]
        squares += np.bincount(here, vecdot(vectors, vectors), len(means))
        vectors = rotated(vectors)
        bits[places[start : start + len(vectors)]] = pack(vectors > 0)
        sizes += np.bincount(here, np.abs(vectors).mean(axis=1), len(means))
    return Cells(
        means,
        np.sqrt(squares / counts).astype(np.float32),
        (sizes / counts).astype(np.float32),
        np.concatenate([[0], np.cumsum(counts)]),
        order,
        bits,
        probes=0,
        margin=0.0,
        depth=0,
    )


def _asked(
    space: SpaceCopy, homes: NDArray[np.int64], means: Floats, rng: np.random.Generator
) -> _Questions:
    """Questions near stored vectors and far from any, with what is truly nearest."""
    near = np.sort(rng.choice(len(homes), QUESTIONS, replace=True))
    left = homes[rng.choice(len(homes), QUESTIONS, replace=True)]
    noise = _unit(rng.normal(size=(QUESTIONS, space.dim)).astype(np.float32))
    asked = _unit(np.concatenate([_vectors(space, near) + NOISE * noise, means[left]]))
    left = np.concatenate([np.full(QUESTIONS, -1), left])
    best = np.full((len(asked), ANSWERS), -2.0, np.float32)
    slots = np.full((len(asked), ANSWERS), -1)
    for start, vectors in _blocks(space):
        similar = asked @ vectors.T
        similar[homes[None, start : start + len(vectors)] == left[:, None]] = -2.0
        joined = np.concatenate([best, similar], axis=1)
        top = np.argpartition(-joined, ANSWERS, axis=1)[:, :ANSWERS]
        best = np.take_along_axis(joined, top, axis=1)
        known = np.take_along_axis(slots, np.minimum(top, ANSWERS - 1), axis=1)
        slots = np.where(top < ANSWERS, known, start + top - ANSWERS)
    return _Questions(asked, left, slots)


def _cell_ranks(
    cells: Cells, homes: NDArray[np.int64], questions: _Questions
) -> tuple[NDArray[np.int64], Floats]:
    """In how manieth a cell each of the true nearest lies, and how far behind the first."""
    ranks = questions.vectors @ cells.means.T + REACH * cells.strays
    asked = np.flatnonzero(questions.left >= 0)
    ranks[asked, questions.left[asked]] = -np.inf
    places = np.argsort(np.argsort(-ranks, axis=1), axis=1)
    gaps = ranks.max(axis=1, keepdims=True) - ranks
    own = homes[questions.nearest]
    return np.take_along_axis(places, own, axis=1), np.take_along_axis(gaps, own, axis=1)


def _depths(cells: Cells, questions: _Questions) -> NDArray[np.int64]:
    """In how manieth a place of those cells each of the true nearest is estimated [q, ANSWERS]."""
    depths = np.full(questions.nearest.shape, len(cells.slots))
    for row, (query, left) in enumerate(zip(questions.vectors, questions.left, strict=True)):
        similar = vecdot(cells.means, query)
        if left >= 0:
            similar[left] = -np.inf
        slots, estimates = cells.estimated(query, similar, cells.chosen(similar, 1.0))
        for column, slot in enumerate(questions.nearest[row]):
            place = np.flatnonzero(slots == slot)
            if place.size:
                depths[row, column] = np.count_nonzero(estimates > estimates[place[0]])
    return depths


def _quantile(values: NDArray[Any], share: float) -> float:
    """The smallest value that this share is at most."""
    return float(np.quantile(values, share, method="inverted_cdf"))


def _of_either(found: NDArray[np.bool_]) -> tuple[float, float]:
    """Shares that the questions near stored vectors find, and those unlike them."""
    near, unlike = np.split(found, 2)
    return float(np.mean(near)), float(np.mean(unlike))


def _add_by_cell(sums: Floats, vectors: Floats, homes: NDArray[np.int64]) -> None:
    order = np.argsort(homes, kind="stable")
    firsts = np.flatnonzero(np.diff(homes[order], prepend=-1))
    sums[homes[order[firsts]]] += np.add.reduceat(vectors[order], firsts, axis=0)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)
