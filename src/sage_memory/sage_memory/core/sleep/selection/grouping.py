"""Which moments are nearly the same: greedy stars of similar vectors within buckets.

A star is a moment and all that resemble it above the threshold; the largest star is taken
first, then the largest of what is left (greedy set cover, Chvatal 1979). Every member of a
group so resembles its centre, which chains of neighbours would not promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 2048
"""Most moments that are compared with each other at a time."""
LOAD = 8192
"""Vectors in memory at a time, about."""


@dataclass(frozen=True)
class Group:
    """Moments that are alike: row of the centre, rows of all, the centre among them."""

    centre: int
    rows: NDArray[np.int64]


def buckets_of(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """A number for each row, equal where all keys are; [n].

    A bucket of more than `BLOCK` rows is cut by rank into blocks. Rows that are appended later
    change no earlier block.
    """
    if not keys[0].size:
        return np.zeros(0, np.int64)
    codes = np.zeros(len(keys[0]), np.int64)
    for key in keys:
        _, own = np.unique(key, return_inverse=True)
        _, codes = np.unique(codes * (int(own.max()) + 1) + own, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    rank = np.empty(len(codes), np.int64)
    rank[order] = np.arange(len(codes)) - np.repeat(starts, sizes)
    blocks = rank // BLOCK
    return np.asarray(codes * (int(blocks.max()) + 1) + blocks, np.int64)


def groups(
    buckets: NDArray[np.int64],
    candidates: NDArray[np.int64],
    load: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    similarity: float,
    min_group: int,
) -> Iterator[Group]:
    """Groups among candidate rows, bucket by bucket.

    Args:
        buckets: of every row, see `buckets_of`.
        candidates: rows that may be grouped, ascending.
        load: gives the vectors of rows, [n, dim], of one size within a bucket; a row of zeros
            where there is none.
        similarity: least cosine between a member and the centre.
        min_group: fewest members, 2 or more.
    """
    own = buckets[candidates]
    order = np.argsort(own, kind="stable")
    cuts = np.flatnonzero(np.diff(own[order])) + 1
    waiting: list[NDArray[np.int64]] = []
    for rows in np.split(candidates[order], cuts):
        if len(rows) >= min_group:
            waiting.append(rows)
        if sum(map(len, waiting)) >= LOAD:
            yield from _of_buckets(waiting, load, similarity, min_group)
            waiting = []
    yield from _of_buckets(waiting, load, similarity, min_group)


def _of_buckets(
    waiting: list[NDArray[np.int64]],
    load: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    similarity: float,
    min_group: int,
) -> Iterator[Group]:
    if not waiting:
        return
    vectors = load(np.concatenate(waiting))
    ends = np.cumsum([len(rows) for rows in waiting])
    for rows, end in zip(waiting, ends, strict=True):
        for star in stars(vectors[end - len(rows) : end], similarity, min_group):
            yield Group(int(rows[star[0]]), rows[np.sort(star)])


def stars(
    vectors: NDArray[np.float32], similarity: float, min_group: int
) -> Iterator[NDArray[np.int64]]:
    """Disjoint stars of float32 [n, dim], largest first; each starts with its centre."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    alike = unit @ unit.T >= similarity
    alike &= (lengths > 0) & (lengths > 0).T
    np.fill_diagonal(alike, lengths[:, 0] > 0)
    degree = alike.sum(axis=1)
    free = np.ones(len(unit), np.bool_)
    while degree.size:
        centre = int(degree.argmax())
        if degree[centre] < min_group:
            return
        members = np.flatnonzero(alike[centre] & free)
        yield np.concatenate([[centre], members[members != centre]])
        free[members] = False
        degree -= alike[members].sum(axis=0)
        degree[members] = 0
