"""On the NumPy of ROS 2 Jazzy the index computes what it computes on NumPy 2."""

from __future__ import annotations

import numpy as np
import pytest

from sage_memory.core.index.numpy_two import bitwise_count_by_table, vecdot_by_others


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_products_are_the_same(dtype: type) -> None:
    random = np.random.default_rng(3)
    rows = random.integers(-100, 100, (7, 16)).astype(dtype)
    query = random.integers(-9, 9, 16).astype(np.float32)
    expected = (rows.astype(np.float64) * query).sum(axis=1)
    assert vecdot_by_others(rows, query).tolist() == expected.tolist()
    assert vecdot_by_others(query, query) == (query**2).sum()
    both = rows * 1.0
    assert vecdot_by_others(both, both).tolist() == (both**2).sum(axis=1).tolist()
    out = np.empty(7, np.float32)
    vecdot_by_others(rows, query, out=out)
    assert out.tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_bits_are_counted_the_same(dtype: type) -> None:
    random = np.random.default_rng(4)
    words = random.integers(0, np.iinfo(dtype).max, (5, 6), dtype, endpoint=True)[:, ::2]
    expected = [[bin(word).count("1") for word in row] for row in words.tolist()]
    assert bitwise_count_by_table(words).tolist() == expected
    out = np.empty(words.shape, np.uint8)
    bitwise_count_by_table(words, out=out)
    assert out.tolist() == expected
