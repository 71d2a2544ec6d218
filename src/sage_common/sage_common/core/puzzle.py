"""A percept: what an encoder makes of one sensor sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = 30
"""Rows and columns of a puzzle."""
CODES = 10
"""Number of codes; they are ordered, so that a higher one means more."""


@dataclass(frozen=True)
class Percept:
    """One encoded sensor sample.

    Attributes:
        stamp_ns: capture time of the newest sample used [ns].
        modality: vision, audio, language, proprioception, or the user's own.
        source: name of the sensor within its modality.
        codes: puzzle, uint8 [30, 30], each 0..9.
        embedding: float32 [D], unit length.
        encoder_id: name, version and first 12 hex digits of the weights' SHA-256.
        text: the words, for language; empty otherwise.
    """

    stamp_ns: int
    modality: str
    source: str
    codes: NDArray[np.uint8]
    embedding: NDArray[np.float32]
    encoder_id: str
    text: str = ""
