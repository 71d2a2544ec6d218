"""On the NumPy of ROS 2 Jazzy the index computes what it computes on NumPy 2."""

from __future__ import annotations

import numpy as np
import pytest

from sage_memory.core.index.numpy_two import bitwise_count_by_table


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_bits_are_counted_the_same(dtype: type) -> None:
    random = np.random.default_rng(4)
    words = random.integers(0, np.iinfo(dtype).max, (5, 6), dtype, endpoint=True)[:, ::2]
    expected = [[bin(word).count("1") for word in row] for row in words.tolist()]
    assert bitwise_count_by_table(words).tolist() == expected
    out = np.empty(words.shape, np.uint8)
    bitwise_count_by_table(words, out=out)
    assert out.tolist() == expected
