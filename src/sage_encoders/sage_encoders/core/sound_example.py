"""A sound given as an example: its last second at the encoder's rate, as one window."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_encoders.core.log_mel import (
    BANDS,
    FLOOR_DB,
    FRAMES,
    HOP,
    N_FFT,
    SAMPLE_RATE,
    frames_db,
)

WINDOW = (FRAMES - 1) * HOP + N_FFT
SLOWEST_HZ, FASTEST_HZ = 1000, 384_000
HELD_FRAMES = 10
"""A window is 54 ms longer than a second: so many frames at its start may be those of the first."""

Floats = NDArray[np.float32]


def last_second(samples: Floats, rate_hz: int) -> Floats:
    """The end of a sound at 16 kHz, at most as long as a window (1.05 s).

    Resampled by its spectrum (what the lower rate cannot hold is cut off).

    Raises:
        InvalidInput: not one-dimensional, empty, not finite, or a rate outside 1 to 384 kHz.
    """
    if not SLOWEST_HZ <= rate_hz <= FASTEST_HZ:
        raise InvalidInput("sample_rate", rate_hz, f"{SLOWEST_HZ} to {FASTEST_HZ} Hz")
    if samples.ndim != 1 or not samples.size:
        raise InvalidInput("samples", f"shape {samples.shape}", "mono, at least one sample")
    if not np.isfinite(samples).all():
        raise InvalidInput("samples", "NaN or infinite", "finite numbers")
    end = samples[-math.ceil(WINDOW * rate_hz / SAMPLE_RATE) :]
    count = max(round(len(end) * SAMPLE_RATE / rate_hz), 1)
    if rate_hz != SAMPLE_RATE:
        spectrum = np.fft.rfft(end.astype(np.float64))
        end = (np.fft.irfft(spectrum, count) * (count / len(end))).astype(np.float32)
    return np.ascontiguousarray(end[-WINDOW:], np.float32)


def window_of(samples: Floats) -> Floats:
    """The log-mel window of a sound at 16 kHz, float32 [60, 100] in dB.

    A second lacks the first 6 of 100 frames: they are those of its first one. Before a shorter
    sound it is silent.
    """
    if len(samples) < N_FFT:
        samples = np.concatenate([np.zeros(N_FFT - len(samples), np.float32), samples])
    frames = frames_db(np.ascontiguousarray(samples[-WINDOW:]))
    missing = FRAMES - frames.shape[1]
    if missing <= HELD_FRAMES:
        before = np.repeat(frames[:, :1], missing, axis=1)
    else:
        before = np.full((BANDS, missing), FLOOR_DB, np.float32)
    return np.concatenate([before, frames], axis=1)
