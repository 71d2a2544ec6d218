"""A fixed random rotation of vectors, before their sign bits are taken.

Sign bits tell how near vectors are if what a vector is made of is spread over all components.
Components of an encoder need not be so: they may be mostly zero, never negative, or a few of them
large. After a random rotation they are, whatever the vectors (randomised Hadamard transform: Ailon
and Chazelle, 2009; before sign bits: Gao and Long, RaBitQ, 2024).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SEED = 20240521
ROUNDS = 2


def rotated(vectors: Floats) -> Floats:
    """Vectors [n, dim] in other, equally long axes: all lengths and angles stay as they are.

    The largest power of two of the components are rotated at once: the first ones and the last
    ones in turn. What comes of a row does not depend on the rows beside it.
    """
    dim = vectors.shape[1]
    signs, left, right = _parts(dim)
    width = len(left) * len(right)
    turned: Floats = vectors.copy()
    for own in signs:
        for start, sign in zip(sorted({0, dim - width}), own, strict=False):
            part = turned[:, start : start + width]  # a view
            blocks = (part * sign).reshape(-1, len(left), len(right))
            part[:] = (left @ blocks @ right).reshape(-1, width)
    return turned


@lru_cache(maxsize=64)
def _parts(dim: int) -> tuple[Floats, Floats, Floats]:
    """Random signs [rounds, 2, width], and two matrices whose Kronecker product is a Hadamard
    matrix of that width, of unit rows."""
    power = dim.bit_length() - 1
    random = np.random.default_rng([SEED, dim])
    signs = random.choice(np.array([-1, 1], np.float32), (ROUNDS, 2, 1 << power))
    return signs, _hadamard(power // 2), _hadamard(power - power // 2)


def _hadamard(power: int) -> Floats:
    """A Hadamard matrix of 2^power rows of unit length (Sylvester's construction)."""
    matrix = np.ones((1, 1), np.float32)
    for _ in range(power):
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return np.asarray(matrix / np.sqrt(len(matrix)), np.float32)
