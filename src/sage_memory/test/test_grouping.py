"""Groups of what is alike: pure functions, whatever they are given."""

from __future__ import annotations

import numpy as np
import pytest

from sage_memory.core.sleep.selection import grouping
from sage_memory.core.sleep.selection.grouping import buckets_of, groups, stars


def cosine(one, other) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def cloud(seed: int, count: int = 60, centres: int = 5, noise: float = 0.25) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=(centres, 16))
    chosen = middle[rng.integers(0, centres, count)]
    return (chosen + noise * rng.normal(size=(count, 16))).astype(np.float32)


@pytest.mark.parametrize("seed", range(20))
def test_stars_are_disjoint_large_enough_and_near_their_centre(seed) -> None:
    vectors = cloud(seed)
    found = list(stars(vectors, 0.9, 3))
    rows = [row for star in found for row in star.tolist()]
    assert len(rows) == len(set(rows))
    for star in found:
        assert len(star) >= 3
        assert all(cosine(vectors[star[0]], vectors[row]) >= 0.9 - 1e-6 for row in star)
    sizes = [len(star) for star in found]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_left_over_makes_no_further_star(seed) -> None:
    vectors = cloud(seed)
    taken = {row for star in stars(vectors, 0.9, 3) for row in star.tolist()}
    left = np.array([row for row in range(len(vectors)) if row not in taken], np.int64)
    assert list(stars(vectors[left], 0.9, 3)) == []


def test_vectors_without_length_belong_nowhere() -> None:
    vectors = np.zeros((5, 4), np.float32)
    assert list(stars(vectors, 0.5, 2)) == []
    assert list(stars(np.zeros((0, 4), np.float32), 0.5, 2)) == []


def test_later_rows_change_no_earlier_block(monkeypatch) -> None:
    monkeypatch.setattr(grouping, "BLOCK", 4)
    keys = np.array([0, 1] * 15)
    for count in (9, 16, 30):
        whole = buckets_of([keys])[:count]
        own = buckets_of([keys[:count]])
        together = {(a, b) for a in range(count) for b in range(count) if own[a] == own[b]}
        assert together == {
            (a, b) for a in range(count) for b in range(count) if whole[a] == whole[b]
        }
    assert np.bincount(buckets_of([keys])).max() <= 4


def test_only_candidates_of_one_bucket_are_grouped(monkeypatch) -> None:
    monkeypatch.setattr(grouping, "LOAD", 5)
    vectors = cloud(1, count=40, centres=1, noise=0.01)
    buckets = np.arange(40) % 4
    candidates = np.arange(0, 40, 3)
    found = list(groups(buckets, candidates, lambda rows: vectors[rows], 0.9, 2))
    for group in found:
        assert len(set(buckets[group.rows].tolist())) == 1
        assert set(group.rows.tolist()) <= set(candidates.tolist()) and group.centre in group.rows
    assert sum(len(group.rows) for group in found) == len(candidates)
