"""Fuzzy adaptive resonance (Carpenter, Grossberg and Rosen 1991) on Haar wavelets."""

from __future__ import annotations

import math

import numpy as np

from sage_bench.salience.scalars.detectors.columns import Values, largest_of_columns, spread

WINDOW = 8
WINDOWS_OF_WARM_UP = 13
VIGILANCE = 0.8
CHOICE = 1e-3
MOST = 500
ADAPTED = 0.01
"""Share of each new match in the vigilance."""


@largest_of_columns
def resonance(column: Values, warm_up: int) -> Values:
    """How badly the best category of an adaptive resonance network matches the present window.

    After the description of ARTime (Hampton 2021): values are averaged so that the warm-up holds 13
    windows of 8; a window and its Haar coefficients are the features; a category is made where none
    matches by the vigilance, which begins as the mean match of the warm-up. Its own rules for
    raising and lowering the vigilance and for silence after an alarm are not described outside of
    its code, which has a licence that rules it out here: the vigilance follows the mean match
    instead, and the score is 1 minus the match.
    """
    step = max(warm_up // (WINDOW * WINDOWS_OF_WARM_UP), 1)
    count = len(column) // step
    means = column[: count * step].reshape(count, step).mean(axis=1)
    first = means[: max(warm_up // step, WINDOW)]
    low, high = float(first.min()), float(first.max())
    margin = 0.5 * max(high - low, spread(first))
    level = np.clip((means - low + margin) / (high - low + 2.0 * margin), 0.0, 1.0)
    network = _FuzzyResonance(2 * WINDOW)
    coarse = np.zeros(count)
    for index in range(WINDOW - 1, count):
        coarse[index] = 1.0 - network.match(_features(level[index - WINDOW + 1 : index + 1]))
    # A mean is known at its last sample, and counts until the next one.
    places = (np.arange(len(column)) + 1) // step - 1
    return np.asarray(np.where(places >= 0, coarse[np.maximum(places, 0)], 0.0))


def _features(window: Values) -> Values:
    """The window, and the Haar coefficients of its shape, both 0..1, float64 [2 * WINDOW]."""
    detail: list[Values] = []
    rest = _stretched(window)
    while len(rest) > 1:
        pairs = rest.reshape(-1, 2)
        detail.append((pairs[:, 0] - pairs[:, 1]) / math.sqrt(2.0))
        rest = pairs.sum(axis=1) / math.sqrt(2.0)
    return np.concatenate([_stretched(np.concatenate([rest, *reversed(detail)])), window])


def _stretched(values: Values) -> Values:
    """From 0, the least, to 1, the largest; all 0 if they are equal."""
    above = values - values.min()
    largest = float(above.max())
    return above / largest if largest > 0.0 else above


class _FuzzyResonance:
    """Categories as boxes of complement-coded features, learned fast."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._weights = np.empty((0, 2 * size))
        self._vigilance = VIGILANCE

    def match(self, features: Values) -> float:
        """Match of the category that is chosen, 0..1, which learns; 0 for the first window."""
        coded = np.concatenate([features, 1.0 - features])
        if not len(self._weights):
            self._weights = coded[None]
            return 1.0
        common = np.minimum(coded, self._weights).sum(axis=1)
        chosen = int((common / (CHOICE + self._weights.sum(axis=1))).argmax())
        matches = common / self._size
        best = int(matches.argmax())
        if matches[chosen] < self._vigilance:
            chosen = best
        if matches[chosen] >= self._vigilance:
            self._weights[chosen] = np.minimum(coded, self._weights[chosen])
        elif len(self._weights) < MOST:
            self._weights = np.vstack([self._weights, coded])
        match = float(matches[best])
        self._vigilance += ADAPTED * (match - self._vigilance)
        return match
