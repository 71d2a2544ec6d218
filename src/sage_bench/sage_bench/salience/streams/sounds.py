"""Sounds as a stream mixes them: trimmed to where they are heard, and of one loudness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from sage_training import data as recordings

SOUND_RATE = recordings.SAMPLE_RATE
ACTIVE_DB = 20.0
HOP = 160

Samples = NDArray[np.generic]


def decoded(path: Path) -> NDArray[np.float32]:
    """The first sound track of a file of any kind, float32 [n], mono at 16 kHz.

    Raises:
        ValueError: it has none.
    """
    with av.open(str(path)) as container:
        if not container.streams.audio:
            raise ValueError(f"{path}: expected a sound track, found none")
        resampler = av.AudioResampler("fltp", rate=SOUND_RATE)
        frames = (*container.decode(audio=0), None)
        pieces = [made.to_ndarray() for frame in frames for made in resampler.resample(frame)]
    return np.asarray(np.concatenate(pieces, axis=1).mean(axis=0), np.float32)


def in_rooms(sounds: Sequence[Samples], responses: Sequence[Samples]) -> list[NDArray[np.float32]]:
    """Sounds as rooms answer them, one room after another, trimmed to where they are heard.

    Returns:
        float32 [n] each, 3 s at most, RMS 1 while heard.
    """
    return [
        _active(fftconvolve(samples, responses[number % len(responses)]))
        for number, samples in enumerate(sounds)
    ]


def unit(samples: Samples) -> NDArray[np.float32]:
    """The same with an RMS of 1."""
    return np.asarray(samples / np.sqrt(np.mean(np.square(samples, dtype=np.float64))), np.float32)


def without_quiet_ends(samples: Samples) -> Samples:
    """Without the seconds at both ends that are 10 dB quieter than half of the recording."""
    level = _envelope(samples)
    seconds = level[: len(level) // 100 * 100].reshape(-1, 100).mean(axis=1)
    heard = np.flatnonzero(seconds > 10.0**-0.5 * np.median(seconds))
    return samples[heard[0] * SOUND_RATE : (heard[-1] + 1) * SOUND_RATE]


def steady(samples: Samples) -> bool:
    """Whether a place is heard all the time: no second of it 20 dB below its loudest."""
    level = _envelope(samples)
    seconds = level[: len(level) // 100 * 100].reshape(-1, 100).mean(axis=1)
    return bool(seconds.min() > 0.1 * seconds.max())


def _envelope(samples: Samples) -> NDArray[np.float64]:
    whole = np.asarray(samples[: len(samples) // HOP * HOP], np.float64).reshape(-1, HOP)
    return np.asarray(np.sqrt((whole * whole).mean(axis=1)))


def _active(samples: Samples) -> NDArray[np.float32]:
    """From where a sound is first within 20 dB of its loudest, 3 s at most, RMS 1 while heard."""
    level = _envelope(samples)
    heard = level > level.max() * 10.0 ** (-ACTIVE_DB / 20.0)
    first = int(np.argmax(heard))
    last = len(heard) - int(np.argmax(heard[::-1]))
    end = min(last, first + 3 * SOUND_RATE // HOP)
    loud = float(np.sqrt((level[first:end][heard[first:end]] ** 2).mean()))
    return np.asarray(samples[first * HOP : end * HOP] / loud, np.float32)
