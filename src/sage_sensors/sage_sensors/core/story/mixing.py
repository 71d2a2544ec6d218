"""Sounds in sounds: levels, fades and loops; float32 at 16 kHz, nominally in [-1, 1]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_sensors.core.samples import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
LOUDEST_S = 0.4
SEAM_S = 0.8
EDGE_S = 0.02
SILENCE = 1e-6
MOST = 0.98
"""Nothing is mixed louder than this, so that nothing is clipped."""


def rms(samples: Samples) -> float:
    """Root of the mean square; 0 of no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def loudest_rms(samples: Samples) -> float:
    """That of the loudest 0.4 s."""
    size = min(round(LOUDEST_S * SAMPLE_RATE_HZ), len(samples))
    if not size:
        return 0.0
    power = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    return float(np.sqrt(np.max(power[size:] - power[:-size]) / size))


def looped(samples: Samples) -> Samples:
    """Samples that may be repeated without a seam: the end is faded into the start."""
    fade = min(round(SEAM_S * SAMPLE_RATE_HZ), len(samples) // 2)
    if not fade:
        return samples
    rising = np.sqrt(np.linspace(0.0, 1.0, fade, dtype=np.float32))
    joined: Samples = samples[: len(samples) - fade].copy()
    joined[:fade] = joined[:fade] * rising + samples[len(samples) - fade :] * rising[::-1]
    return joined


def edged(samples: Samples) -> Samples:
    """The same, faded in and out within 20 ms."""
    fade = min(round(EDGE_S * SAMPLE_RATE_HZ), len(samples) // 2)
    shaped: Samples = samples.copy()
    rising = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    shaped[:fade] *= rising
    shaped[len(shaped) - fade :] *= rising[::-1]
    return shaped


def at_level(samples: Samples, bed: Samples, level_db: float) -> Samples:
    """A sound whose loudest 0.4 s are `level_db` over the bed's mean, or as loud as there is room.

    Of silence nothing can be made; over a silent bed, or without one, it stays as it is.
    """
    own, under = loudest_rms(samples), rms(bed)
    if own < SILENCE or under < SILENCE:
        return samples
    gain = under / own * 10.0 ** (level_db / 20.0)
    room = MOST - float(np.abs(bed).max())
    gain = min(gain, max(room, 0.0) / float(np.abs(samples).max()))
    mixed: Samples = samples * np.float32(gain)
    return mixed


def piece(loop: Samples, start: int, count: int) -> Samples:
    """`count` samples of what repeats for ever, from number `start` on."""
    if not len(loop):
        return np.zeros(count, np.float32)
    return loop[(start + np.arange(count)) % len(loop)]
