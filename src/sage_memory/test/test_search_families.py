"""Kinds of vectors that are hard to tell apart in a coarse form: the nearest are found as well."""

from __future__ import annotations

import memory_index as truth
import numpy as np
import pytest

from sage_memory import Query
from sage_memory.core.index import scan, space
from sage_memory.core.index.index import ROLES
from sage_memory.core.index.rotation import rotated
from sage_memory.core.recall import search

COUNT, DIM = 6000, 128
AS_GOOD = 1e-6
"""Whoever is at most so much less near than the true tenth counts as one of the ten."""


def units(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def near_identical(rng: np.random.Generator, count: int) -> np.ndarray:
    """Frames of six scenes that hardly change."""
    scenes = np.random.default_rng(5).normal(size=(6, DIM))
    return units(scenes[rng.integers(6, size=count)] + 0.03 * rng.normal(size=(count, DIM)))


def sparse(rng: np.random.Generator, count: int) -> np.ndarray:
    """5 to 10 % of the components are not zero; none is negative."""
    drawn = np.abs(rng.normal(size=(count, DIM)) ** 3)
    drawn[rng.random((count, DIM)) > rng.uniform(0.05, 0.1, (count, 1))] = 0.0
    drawn[:, 0] += 0.001
    return units(drawn)


def spiky(rng: np.random.Generator, count: int) -> np.ndarray:
    """A few components are many times as large as the others."""
    return units(rng.standard_t(2, size=(count, DIM)))


def independent(rng: np.random.Generator, count: int) -> np.ndarray:
    """No two are alike, so that the nearest are hardly nearer than the others."""
    return units(rng.normal(size=(count, DIM)))


@pytest.mark.parametrize("by_bits", [False, True])
@pytest.mark.parametrize("family", [near_identical, sparse, spiky, independent])
def test_the_ten_nearest_are_found_in_every_kind_of_vectors(family, by_bits, monkeypatch) -> None:
    if by_bits:  # as of more vectors
        monkeypatch.setattr(space, "STATISTICS_FROM", 2048)
        monkeypatch.setattr(scan, "FEW_IN_ALL", 2048)
        monkeypatch.setattr(scan, "FEW", 512)
    rng = np.random.default_rng(0)
    matrix, asked = family(rng, COUNT), family(rng, 20)
    items = [
        {"start_ns": number, "length": 0, "total": 0.5, "source": "front", "device_id": "r",
         "modality": "audio" if number % 2 else "vision", "vectors": {("a", ROLES[0]): vector}}
        for number, vector in enumerate(matrix)
    ]  # fmt: skip
    index, source = truth.build(items), truth.RecordSource(items)
    for modality in ("", "audio"):
        fitting = np.ones(COUNT, bool) if not modality else np.arange(COUNT) % 2 == 1
        right = 0
        for vector in asked:
            query = Query(example=vector, example_encoder_id="a", modality=modality)
            hits = [hit.row for hit in truth.searched(index, truth.checked(query), source)]
            scores = np.where(fitting, matrix @ vector, -2.0)
            right += np.count_nonzero(scores[hits] >= np.sort(scores)[-10] - AS_GOOD)
        assert right == 10 * len(asked), modality


def test_what_is_as_good_as_equal_is_not_fetched_without_end(monkeypatch) -> None:
    monkeypatch.setattr(search, "MOST_EXACT", 600)
    vector = truth.unit(np.arange(1, DIM + 1))
    items = [
        {"start_ns": number, "length": 0, "total": 0.5, "source": "front", "device_id": "r",
         "modality": "vision", "vectors": {("a", ROLES[0]): vector}}
        for number in range(3000)
    ]  # fmt: skip
    source = truth.RecordSource(items)
    query = Query(example=vector, example_encoder_id="a")
    hits = truth.searched(truth.build(items), truth.checked(query), source)
    assert [hit.row for hit in hits] == list(range(2999, 2989, -1))
    assert source.vectors_read < 600 + search.LARGEST_BATCH


@pytest.mark.parametrize("dim", [1, 3, 64, 100, 384])
def test_a_rotation_keeps_lengths_and_angles_and_is_the_same_for_a_row_alone(dim) -> None:
    rng = np.random.default_rng(0)
    vectors = units(rng.normal(size=(50, dim)))
    turned = rotated(vectors)
    np.testing.assert_allclose(turned @ turned.T, vectors @ vectors.T, atol=2e-6)
    np.testing.assert_array_equal(rotated(vectors[7:8])[0], turned[7])
    one = np.zeros((1, 384), np.float32)
    one[0, 17] = 1.0
    assert np.abs(rotated(one)).max() < 0.3, "a single component is spread over all"
