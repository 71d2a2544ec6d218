"""Random windows of sounds to train on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.log_mel import FRAMES, HOP, N_FFT, SAMPLE_RATE, frames_db, normalise

SPAN = N_FFT + (FRAMES - 1) * HOP
"""Samples of a window of 100 frames: 1.054 s at 16 kHz."""

Clip = tuple[str, NDArray[np.float32]]
"""Name, and samples in [-1, 1] at 16 kHz."""


QUIETEST_DB, LOUDEST_DB = -45.0, -12.0
LEAST_SNR_DB, GREATEST_SNR_DB = -6.0, 12.0


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
    return _log_mel(window)


def view_in_noise(
    clip: Clip, backgrounds: list[list[Clip]], rng: np.random.Generator
) -> NDArray[np.float32]:
    """A window of the clip at a random loudness, 6 dB below to 12 dB above a background.

    Args:
        clip: what is heard.
        backgrounds: by kind; coloured noise is one kind more, and each is as likely.
        rng: for all that is random.

    Returns:
        its normalised log-mel, float32 [60, 100].
    """
    window = _unit(cut(clip[1], rng))
    kind = rng.integers(len(backgrounds) + 1)
    if kind < len(backgrounds):
        chosen = backgrounds[kind]
        background = _unit(cut(chosen[rng.integers(len(chosen))][1], rng))
    else:
        background = _unit(coloured_noise(rng))
    window = window + background * 10 ** (-rng.uniform(LEAST_SNR_DB, GREATEST_SNR_DB) / 20)
    window = window * 10 ** (rng.uniform(QUIETEST_DB, LOUDEST_DB) / 20)
    return _log_mel(window + rng.normal(0, 10 ** (rng.uniform(-100, -60) / 20), SPAN))


def coloured_noise(rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose power falls with frequency, by 0 (white) to 6 dB an octave (brown): [SPAN]."""
    spectrum = np.fft.rfft(rng.normal(size=SPAN))
    hertz = np.maximum(np.fft.rfftfreq(SPAN, 1 / SAMPLE_RATE), 50.0)
    return np.fft.irfft(spectrum / hertz ** rng.uniform(0.0, 1.0), SPAN)


def _log_mel(window: NDArray[np.floating]) -> NDArray[np.float32]:
    return normalise(frames_db(np.clip(window, -1, 1).astype(np.float32)))


def _unit(window: NDArray[np.floating]) -> NDArray[np.float64]:
    """With an RMS of 1; silence stays silence."""
    power = float(np.mean(np.square(window, dtype=np.float64)))
    return np.asarray(window / np.sqrt(power + 1e-12), np.float64)


def cut(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random window, [SPAN]; shorter sounds are set in silence."""
    if len(samples) <= SPAN:
        window = np.zeros(SPAN, np.float32)
        at = rng.integers(0, SPAN - len(samples) + 1)
        window[at : at + len(samples)] = samples
        return window
    at = rng.integers(0, len(samples) - SPAN + 1)
    return samples[at : at + SPAN].copy()
