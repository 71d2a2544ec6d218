"""How well an embedding recalls things of the same class: k nearest neighbours by cosine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

Floats = NDArray[np.float32]
BATCH = 512


def accuracy(
    known: Floats,
    known_labels: NDArray[np.int64],
    asked: Floats,
    asked_labels: NDArray[np.int64],
    k: int = 5,
) -> float:
    """Share of the asked rows whose class the `k` nearest known rows by cosine vote for.

    Each neighbour votes with its cosine plus one, so that the nearer class wins a draw.

    Args:
        known: [N, D], need not have unit length.
        known_labels: [N], from 0.
        asked: [M, D].
        asked_labels: [M], from 0.
        k: number of neighbours, 1 to N.

    Raises:
        InvalidInput: shapes do not fit together, or `k` is out of range.
    """
    if known.ndim != 2 or asked.ndim != 2 or known.shape[1] != asked.shape[1]:
        raise InvalidInput("asked.shape", asked.shape, f"[M, D] for known {known.shape}")
    for name, rows, labels in (("known", known, known_labels), ("asked", asked, asked_labels)):
        if labels.shape != (len(rows),):
            raise InvalidInput(f"{name}_labels.shape", labels.shape, f"({len(rows)},)")
    if not 1 <= k <= len(known):
        raise InvalidInput("k", k, f"1 to {len(known)}")
    if not len(asked):
        raise InvalidInput("asked", "no rows", "at least one")
    reference, classes = unit(known), int(known_labels.max()) + 1
    right = 0
    for at in range(0, len(asked), BATCH):
        cosine = unit(asked[at : at + BATCH]) @ reference.T
        nearest = np.argpartition(-cosine, k - 1, axis=1)[:, :k]
        votes = np.zeros((len(cosine), classes), np.float32)
        rows = np.arange(len(cosine))[:, None]
        np.add.at(
            votes, (rows, known_labels[nearest]), 1 + np.take_along_axis(cosine, nearest, axis=1)
        )
        right += int(np.sum(votes.argmax(1) == asked_labels[at : at + BATCH]))
    return right / len(asked)


def unit(rows: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays one."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = (rows / np.maximum(length, 1e-12)).astype(np.float32)
    return scaled
