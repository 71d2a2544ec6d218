"""A labelled stream of vectors, and which part of a long one is taken."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_SAMPLES = 10_000
WARM_UP_SHARE, WARM_UP_LEAST = 0.1, 100

Values = NDArray[np.float64]
Labels = NDArray[np.bool_]
Stamps = NDArray[np.int64]


@dataclass(frozen=True)
class LabelledStream:
    """One recording.

    Attributes:
        family: what kind of stream it is.
        name: of the recording, unique within the family.
        stamps_ns: of the samples, rising, int64 [T].
        values: float64 [T, n].
        labels: which samples its authors call anomalous, bool [T].
    """

    family: str
    name: str
    stamps_ns: Stamps
    values: Values
    labels: Labels

    @property
    def warm_up(self) -> int:
        """Number of samples at the beginning that are not judged."""
        return max(round(WARM_UP_SHARE * len(self.values)), WARM_UP_LEAST)

    @property
    def digest(self) -> str:
        """SHA-256 of the numbers, hex."""
        return hashlib.sha256(self.values.tobytes() + self.labels.tobytes()).hexdigest()


def spans(labels: Labels) -> list[tuple[int, int]]:
    """First and one past the last index of each run of labelled samples."""
    edges = np.flatnonzero(np.diff(np.r_[False, labels, False].astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def part_of(stream: LabelledStream) -> LabelledStream:
    """At most 10,000 samples: of all cuts that begin each 5,000, the one with most labelled spans.

    Spans that begin within the warm-up are not counted; of equal cuts the earliest is taken.
    """
    if len(stream.values) <= MOST_SAMPLES:
        return stream
    firsts = range(0, len(stream.values) - MOST_SAMPLES + 1, MOST_SAMPLES // 2)
    warm_up = round(WARM_UP_SHARE * MOST_SAMPLES)
    onsets = np.array([first for first, _ in spans(stream.labels)])

    def judged(first: int) -> int:
        return int(((onsets >= first + warm_up) & (onsets < first + MOST_SAMPLES)).sum())

    cut = slice(best := max(firsts, key=judged), best + MOST_SAMPLES)
    return LabelledStream(stream.family, stream.name, stream.stamps_ns[cut], stream.values[cut],
        stream.labels[cut])  # fmt: skip
