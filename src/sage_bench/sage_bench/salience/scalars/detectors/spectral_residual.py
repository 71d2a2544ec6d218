"""Spectral residual for series (Ren et al., Time-Series Anomaly Detection Service, 2019)."""

from __future__ import annotations

import numpy as np

from sage_bench.salience.scalars.detectors.columns import Values, lagged, largest_of_columns

WINDOW = 128
AVERAGED = 3
JUDGED = 21
EXTRAPOLATED = 5
CHUNK = 1000


@largest_of_columns
def spectral_residual(column: Values, warm_up: int) -> Values:
    """Saliency of the newest of 128 values over the mean of the 21 before it.

    Five extrapolated values stand behind the newest, as in the paper.
    """
    windows = lagged(column, WINDOW)
    parts = [_judged(windows[first : first + CHUNK]) for first in range(0, len(windows), CHUNK)]
    scores = np.concatenate(parts)
    scores[:JUDGED] = 0.0
    return scores


def _judged(windows: Values) -> Values:
    newest = windows[:, -1:]
    slopes = [(newest[:, 0] - windows[:, -1 - back]) / back for back in range(1, EXTRAPOLATED + 1)]
    guess = windows[:, -EXTRAPOLATED] + np.mean(slopes, axis=0) * EXTRAPOLATED
    longer = np.concatenate([windows, np.repeat(guess[:, None], EXTRAPOLATED, axis=1)], axis=1)
    spectrum = np.fft.fft(longer, axis=1)
    size = np.abs(spectrum)
    logs = np.log(np.maximum(size, 1e-12))
    sums = np.cumsum(np.pad(logs, ((0, 0), (AVERAGED, 0)), mode="edge"), axis=1)
    smooth = (sums[:, AVERAGED:] - sums[:, :-AVERAGED]) / AVERAGED
    residual = np.exp(logs - smooth) * spectrum / np.maximum(size, 1e-12)
    saliency = np.abs(np.fft.ifft(residual, axis=1))[:, : windows.shape[1]]
    usual = saliency[:, -JUDGED - 1 : -1].mean(axis=1)
    return np.asarray((saliency[:, -1] - usual) / np.maximum(usual, 1e-12))
