"""Random windows of sounds to train on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.log_mel import FRAMES, HOP, N_FFT, frames_db, normalise

SPAN = N_FFT + (FRAMES - 1) * HOP
"""Samples of a window of 100 frames: 1.054 s at 16 kHz."""

Clip = tuple[str, NDArray[np.float32]]
"""Name, and samples in [-1, 1] at 16 kHz."""


def view(clip: Clip, noise: list[Clip], rng: np.random.Generator) -> NDArray[np.float32]:
    """A window of the clip at a random loudness, often over background noise.

    Returns:
        its normalised log-mel, float32 [60, 100].
    """
    window = cut(clip[1], rng) * 10 ** (rng.uniform(-30, 6) / 20)
    if rng.random() < 0.5:
        background = cut(noise[rng.integers(len(noise))][1], rng)
        window = window + background * 10 ** (rng.uniform(-50, 0) / 20)
    window = window + rng.normal(0, 10 ** (rng.uniform(-100, -60) / 20), SPAN)
    heard: NDArray[np.float32] = np.clip(window, -1, 1).astype(np.float32)
    return normalise(frames_db(heard))


def cut(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random window, [SPAN]; shorter sounds are set in silence."""
    if len(samples) <= SPAN:
        window = np.zeros(SPAN, np.float32)
        at = rng.integers(0, SPAN - len(samples) + 1)
        window[at : at + len(samples)] = samples
        return window
    at = rng.integers(0, len(samples) - SPAN + 1)
    return samples[at : at + SPAN].copy()
