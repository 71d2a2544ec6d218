"""How well scores of samples find labelled spans of a stream, and ranks of detectors by that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience import measures
from sage_bench.salience.scalars.stream import LabelledStream, Labels, Values, spans

SHORTEST = 10
"""Samples; a shorter span is judged with what follows, as a detector needs some to see it."""
GUARD = 20
"""Samples before and after a labelled span that are no background."""
BACKGROUND_SHARE = 0.25
"""A span longer than this share of the background counts by its beginning."""


@dataclass(frozen=True)
class Found:
    """What a detector finds of one stream.

    Attributes:
        by_span: chance that a labelled span scores above background of its length, 0..1.
        by_sample: area under the ROC curve of samples, 0..1.
        precision: average precision of samples, 0..1.
    """

    by_span: float
    by_sample: float
    precision: float


def found(stream: LabelledStream, scores: Values) -> Found:
    """Judge the scores float64 [T] of a stream; `is_judged` says whether it can be."""
    after = slice(stream.warm_up, None)
    once = np.ones((1, len(stream.labels) - stream.warm_up), np.int64)
    judged = scores[after], stream.labels[after], once
    return Found(
        by_span=_by_span(scores, stream.labels, stream.warm_up),
        by_sample=float(measures.auroc(*judged)[0]),
        precision=float(measures.average_precision(*judged)[0]),
    )


def is_judged(stream: LabelledStream) -> bool:
    """Whether there are labelled spans and background after the warm-up."""
    judged = _judged_spans(stream.labels, stream.warm_up)
    return bool(judged) and bool(_background(stream.labels, stream.warm_up).sum() >= 4 * SHORTEST)


def ranks(figures: Mapping[str, float]) -> dict[str, float]:
    """Rank of each name by falling figure, 1: the best; equal figures share their mean rank."""
    values = np.array(list(figures.values()))
    above = (values[None, :] > values[:, None]).sum(axis=1)
    equal = (values[None, :] == values[:, None]).sum(axis=1)
    return dict(zip(figures, (above + (equal + 1) / 2).tolist(), strict=True))


def _judged_spans(labels: Labels, warm_up: int) -> list[tuple[int, int]]:
    """Labelled spans that begin after the warm-up, of at least `SHORTEST`; overlaps are joined."""
    joined: list[tuple[int, int]] = []
    for first, last in spans(labels):
        longer = min(max(last, first + SHORTEST), len(labels))
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(longer, joined[-1][1])
        else:
            joined.append((first, longer))
    return [span for span in joined if span[0] >= warm_up]


def _background(labels: Labels, warm_up: int) -> NDArray[np.bool_]:
    near = np.convolve(labels, np.ones(2 * GUARD + 1), "same") > 0.5
    background = ~near[: len(labels)]
    background[:warm_up] = False
    return np.asarray(background)


def _by_span(scores: Values, labels: Labels, warm_up: int) -> float:
    background = _background(labels, warm_up)
    longest = max(int(BACKGROUND_SHARE * background.sum()), SHORTEST)
    runs = spans(background)
    chances = []
    for first, last in _judged_spans(labels, warm_up):
        length = min(last - first, longest)
        # Where background comes in short runs, a part of the span counts, too.
        length = min(length, max(end - begin for begin, end in runs))
        best = scores[first : first + length].max()
        usual = np.concatenate([_largest(scores[begin:end], length) for begin, end in runs])
        chances.append(float((usual < best).mean() + 0.5 * (usual == best).mean()))
    return float(np.mean(chances))


def _largest(scores: Values, length: int) -> Values:
    """The largest score of each consecutive piece of a length; a rest is left out."""
    whole = len(scores) // length * length
    return np.asarray(scores[:whole].reshape(-1, length).max(axis=1))
