"""Vectors in a small form: int8 with a scale each, and sign bits in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TOP = 127
WORD_BITS = 64
MIN_LENGTH = 1e-12
MOST_WEIGHTY, WEIGHTY_SHARE = 254, 0.55


def quantise(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 [n, dim] and a scale a row [n]: vector ~ scale * int8, off by at most scale / 2."""
    largest = np.abs(vectors).max(axis=1)
    scales = np.maximum(largest, np.float32(MIN_LENGTH)) / np.float32(TOP)
    codes = np.rint(vectors / scales[:, None]).astype(np.int8)
    return codes, scales.astype(np.float32)


def word_count(dim: int) -> int:
    """64-bit words that hold the signs of a vector."""
    return -(-dim // WORD_BITS)


def pack(signs: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bits [n, dim] as words [n, words]; what is left over is 0."""
    count, dim = signs.shape
    padded = np.zeros((count, 8 * word_count(dim)), np.uint8)
    packed = np.packbits(signs, axis=1, bitorder="little")
    padded[:, : packed.shape[1]] = packed
    return padded.view(np.uint64)


def weighty_signs(
    query: NDArray[np.float32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Signs of a query, and mask of its weightiest components, in words."""
    dim = len(query)
    weighty = min(MOST_WEIGHTY, max(1, round(WEIGHTY_SHARE * dim)))
    chosen = weights.argpartition(dim - weighty)[dim - weighty :]
    asked = np.zeros((2, dim), np.bool_)
    asked[0] = query > 0
    asked[1, chosen] = True
    signs, mask = pack(asked)
    return signs, mask
