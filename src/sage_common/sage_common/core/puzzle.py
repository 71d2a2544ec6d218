"""A percept: what an encoder makes of one sensor sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.sections import Arrays, blob_arrays, blobs_of, json_array, json_of

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


def packed_percepts(percepts: Sequence[Percept]) -> Arrays:
    """Percepts as arrays, in their order."""
    words = [[p.stamp_ns, p.modality, p.source, p.encoder_id, p.text] for p in percepts]
    return {
        "words": json_array(words),
        "codes": np.array([p.codes for p in percepts], np.uint8).reshape(-1, GRID, GRID),
        **blob_arrays([p.embedding.tobytes() for p in percepts]),
    }


def unpacked_percepts(state: Arrays) -> list[Percept]:
    """What `packed_percepts` packed."""
    rows = zip(json_of(state["words"]), state["codes"], blobs_of(state), strict=True)
    return [
        Percept(stamp, modality, source, codes, np.frombuffer(blob, np.float32), encoder_id, text)
        for (stamp, modality, source, encoder_id, text), codes, blob in rows
    ]
