"""Log-mel spectrogram of a stream, computed hop by hop: a hop costs a hop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.fields import State, Variable
from sage_common.core.state.stateful import Stateful

Floats = NDArray[np.float32]

SAMPLE_RATE = 16000
N_FFT = 1024
HOP = 160
BANDS = 60
FRAMES = 100
LOWEST_HZ, HIGHEST_HZ = 40.0, 8000.0
FLOOR_DB = -100.0
MIDDLE_DB, HALF_RANGE_DB = -65.0, 35.0
LEAST_SPREAD_DB = 8.0


def mel_filters() -> Floats:
    """Triangles of peak 1, even on the mel scale 2595 log10(1 + f/700): [60, 513], lowest first."""

    def to_mel(hertz: float) -> float:
        return 2595.0 * float(np.log10(1.0 + hertz / 700.0))

    mels = np.linspace(to_mel(LOWEST_HZ), to_mel(HIGHEST_HZ), BANDS + 2)
    edges = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    bins = np.arange(N_FFT // 2 + 1) * (SAMPLE_RATE / N_FFT)
    low, peak, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    # A triangle narrower than a bin would miss them all; it is widened to one bin each side.
    width = SAMPLE_RATE / N_FFT
    rise = (bins - np.minimum(low, peak - width)) / np.maximum(peak - low, width)
    fall = (np.maximum(high, peak + width) - bins) / np.maximum(high - peak, width)
    triangles: Floats = np.clip(np.minimum(rise, fall), 0.0, None).astype(np.float32)
    return triangles


_FILTERS = mel_filters()
_WINDOW = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
_POWER_SCALE = np.float32((2.0 / _WINDOW.sum()) ** 2)


def frames_db(samples: Floats) -> Floats:
    """Band power of every whole frame of `samples`.

    Args:
        samples: 16 kHz, [n], full scale 1; n >= 1024.

    Returns:
        [60, 1 + (n - 1024) // 160] in dB: a full-scale sine gives about 0 dB in its band; silence
        gives -100 dB.
    """
    count = 1 + (len(samples) - N_FFT) // HOP
    framed = np.lib.stride_tricks.as_strided(
        samples, (count, N_FFT), (HOP * samples.itemsize, samples.itemsize), writeable=False
    )
    spectrum = np.fft.rfft(framed * _WINDOW, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) * _POWER_SCALE
    decibels: Floats = 10.0 * np.log10(_FILTERS @ power.T + 10.0 ** (FLOOR_DB / 10.0))
    return decibels.astype(np.float32, copy=False)


def normalise(window: Floats) -> Floats:
    """Scale a window of decibels to about [-1, 1] without losing how loud it was.

    The contrast within the window is divided by its own spread (at least 8 dB); the window's mean
    level is added back on a fixed scale (-100 dB: -1, -30 dB: 1). A gain of g dB above the floor
    therefore raises every value by g / 35.

    Args:
        window: [60, frames] in dB.
    """
    level = window.mean(dtype=np.float64)
    spread = max(float(window.std(dtype=np.float64)), LEAST_SPREAD_DB)
    contrast = np.clip((window - level) / spread, -3.0, 3.0)
    scaled: Floats = 0.4 * contrast + (level - MIDDLE_DB) / HALF_RANGE_DB
    return scaled.astype(np.float32)


class LogMelStream(Stateful):
    """The last second of a 16 kHz stream as a log-mel window; only new frames are computed."""

    _tail: State[Variable]
    _frames: State[Floats]
    _count: State[int] = 0
    _skip: State[int] = 0

    def __init__(self) -> None:
        self._tail = np.zeros(0, np.float32)
        self._frames = np.full((BANDS, FRAMES), FLOOR_DB, np.float32)

    def reset(self) -> None:
        """Forget everything, as after a gap in the stream."""
        self._tail = np.zeros(0, np.float32)
        self._count = 0
        self._skip = 0

    def bridge(self, missing: int) -> None:
        """Hold the last frame where samples are missing, so that the window stays full.

        No frame mixes sound from before and after: the tail that waits for more sound is part of
        what is bridged, and so are the first samples after it up to the next whole hop.

        Args:
            missing: samples that never came, >= 1.
        """
        lost = len(self._tail) - self._skip + missing
        held = max(-(-lost // HOP), 0)
        self._tail = np.zeros(0, np.float32)
        self._skip = held * HOP - lost
        if self._count and held:
            self._append(np.repeat(self._frames[:, -1:], held, axis=1))

    def push(self, samples: Floats) -> int:
        """Take the next samples, [n] at 16 kHz; returns how many frames they completed."""
        skipped, self._skip = self._skip, max(self._skip - len(samples), 0)
        samples = samples[skipped:].astype(np.float32, copy=False)
        self._tail = np.concatenate((self._tail, samples))
        if len(self._tail) < N_FFT:
            return 0
        fresh = frames_db(self._tail)
        count = int(fresh.shape[1])
        self._tail = self._tail[count * HOP :]
        self._append(fresh)
        return count

    def _append(self, fresh: Floats) -> None:
        kept = fresh[:, -FRAMES:]
        self._frames = np.concatenate((self._frames[:, kept.shape[1] :], kept), axis=1)
        self._count = min(self._count + fresh.shape[1], FRAMES)

    @property
    def full(self) -> bool:
        """Whether the window holds 100 frames (1.05 s since start or reset)."""
        return self._count == FRAMES

    def window(self) -> Floats:
        """The last 100 frames in dB, [60, 100]: row 0 the lowest band, last column the newest."""
        newest: Floats = self._frames.copy()
        return newest
