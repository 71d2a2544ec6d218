"""Measures a text embedder on sentence pairs with human scores of their similarity."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.language import TextEmbedder

PAIRS = Path("text/stsb-en-dev.csv")


def sentence_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Sentence pairs with their similarity 0..5."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [(first, second, float(score)) for first, second, score in csv.reader(stream)]


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: NDArray[np.float64] = (ends - (counts + 1) / 2)[inverse]
    return shared


def spearman(left: list[float], right: list[float]) -> float:
    """Rank correlation."""
    return float(np.corrcoef(ranks(np.array(left)), ranks(np.array(right)))[0, 1])


def measure(embedder: TextEmbedder, pairs: list[tuple[str, str, float]]) -> dict[str, float | int]:
    """Spearman of cosine similarity with human scores, beside that of shared words."""
    truth = [score for _, _, score in pairs]
    cosines = [float(embedder.embed(a) @ embedder.embed(b)) for a, b, _ in pairs]
    return {
        "pairs": len(pairs),
        "spearman": round(spearman(cosines, truth), 4),
        "baseline_spearman_shared_words": round(
            spearman([shared_words(a, b) for a, b, _ in pairs], truth), 4
        ),
    }


def shared_words(first: str, second: str) -> float:
    """Share of the words of both texts that stand in each (Jaccard)."""
    left, right = set(first.lower().split()), set(second.lower().split())
    return len(left & right) / max(len(left | right), 1)
