"""The log-mel spectrum that Whisper hears."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

SAMPLE_RATE = 16000
N_FFT, HOP, BANDS = 400, 160, 80
FLOOR, RANGE = 1e-10, 8.0
"""Least power, and decades below the loudest that are told apart."""

Floats = NDArray[np.float32]


def mel_filters() -> Floats:
    """Triangles of equal area on Slaney's mel scale, linear below 1 kHz: [80, 201], from below."""
    highest = 15.0 + 27.0 * np.log(SAMPLE_RATE / 2000.0) / np.log(6.4)
    mels = np.linspace(0.0, highest, BANDS + 2)
    edges = np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * 6.4 ** ((mels - 15.0) / 27.0))
    bins = np.arange(N_FFT // 2 + 1) * (SAMPLE_RATE / N_FFT)
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - low) / (peak - low), (high - bins) / (high - peak))
    return np.asarray(np.maximum(triangles, 0.0) * 2.0 / (high - low), np.float32)


_FILTERS = mel_filters()
_WINDOW = np.hanning(N_FFT + 1)[:-1].astype(np.float32)


def padded(samples: Floats, count: int) -> Floats:
    """A sound with silence after it, so that it has `count` samples.

    Raises:
        InvalidInput: not one-dimensional.
    """
    if samples.ndim != 1:
        raise InvalidInput("samples", f"shape {samples.shape}", "mono")
    return np.pad(samples, (0, count - len(samples)))


def log_mel(samples: Floats) -> Floats:
    """The spectrum of a sound.

    Args:
        samples: 16 kHz, [n], n >= 400.

    Returns:
        float32 [80, n // 160]: one frame each 10 ms; the loudest about 1.5 at full scale, and
        nothing more than 2 below the loudest of the sound.

    Raises:
        InvalidInput: not one-dimensional, shorter than 400 samples, or not finite.
    """
    if samples.ndim != 1 or len(samples) < N_FFT:
        raise InvalidInput("samples", f"shape {samples.shape}", f"mono, {N_FFT} samples or more")
    if not np.isfinite(samples).all():
        raise InvalidInput("samples", "NaN or infinite", "finite numbers")
    padded = np.pad(samples.astype(np.float32, copy=False), N_FFT // 2, mode="reflect")
    framed = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][: len(samples) // HOP]
    spectrum = np.fft.rfft(framed * _WINDOW, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    decades = np.log10(np.maximum(_FILTERS @ power.T, FLOOR))
    limited = np.maximum(decades, decades.max() - RANGE)
    return np.asarray((limited + 4.0) / 4.0, np.float32)
