"""Sounds as loud as the noise around them, and softer, in noise of every colour."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.audio import AudioEncoder
from sage_snarc.core.scorer import Scorer

RATE = 16_000
BLOCK = RATE // 10
LENGTH_S, FIRST_S, APART_S, SOUND_S = 180, 30, 6, 0.8
MODELS = Path(__file__).resolve().parents[3] / "models"
SLOPES = {"white": 0.0, "pink": 1.0, "brown": 2.0}
ONSETS_S = tuple(range(FIRST_S, LENGTH_S - 3, APART_S))


def noise(slope: float) -> np.ndarray:
    """Power falls with frequency to the power of `slope`, from 50 Hz on; RMS 0.02."""
    size = LENGTH_S * RATE
    generator = np.random.default_rng(11)
    spectrum = np.fft.rfft(generator.normal(size=size))
    hertz = np.maximum(np.fft.rfftfreq(size, 1.0 / RATE), 50.0)
    samples = np.fft.irfft(spectrum / hertz ** (slope / 2.0), size)
    return (0.02 * samples / samples.std()).astype(np.float32)


def calls() -> list[np.ndarray]:
    """A chirp, a harmonic cry, a warble and knocks, of RMS 1."""
    time_s = np.arange(round(SOUND_S * RATE)) / RATE
    phase = 2.0 * np.pi * (900.0 * time_s + 60.0 * np.sin(2.0 * np.pi * 5.0 * time_s) / 5.0)
    sounds = [
        np.sin(2.0 * np.pi * (800.0 * time_s + 900.0 * time_s**2)),
        sum(np.sin(2.0 * np.pi * 420.0 * k * time_s) / k for k in range(1, 9)),
        np.sin(phase),
        np.sin(2.0 * np.pi * 1500.0 * time_s) * np.exp(-25.0 * (time_s % 0.2)),
    ]
    return [(sound / sound.std()).astype(np.float32) for sound in sounds]


@cache
def totals(colour: str, level_db: float) -> np.ndarray:
    """Totals at the end of every 100 ms, with a sound every six seconds; -inf: without any."""
    samples, sounds = noise(SLOPES[colour]), calls()
    for index, onset_s in enumerate(ONSETS_S):
        span = slice(onset_s * RATE, onset_s * RATE + len(sounds[0]))
        samples[span] += sounds[index % len(sounds)] * 0.02 * 10.0 ** (level_db / 20.0)
    encoder = AudioEncoder(OnnxModel(MODELS / "audio_encoder.onnx", provider="cpu"), "front")
    scorer = Scorer("audio")
    found = np.zeros(LENGTH_S * 10)
    for tick in range(len(found)):
        block = samples[tick * BLOCK : (tick + 1) * BLOCK]
        percept = encoder.push(block, (tick + 1) * 100_000_000)
        if percept is not None:
            found[tick] = scorer.score(percept).total
    return found


def auroc(colour: str, level_db: float) -> float:
    """Of the largest total in the second from each onset, beside that of quiet seconds."""
    found = totals(colour, level_db)
    events = np.array([found[s * 10 : s * 10 + 10].max() for s in ONSETS_S])
    quiet_s = [s + late_s for s in ONSETS_S for late_s in (3, 4)]
    quiet = np.array([found[s * 10 : s * 10 + 10].max() for s in quiet_s])
    above = events[:, None] - quiet[None, :]
    return float((above > 0.0).mean() + 0.5 * (above == 0.0).mean())


@pytest.mark.slow
@pytest.mark.parametrize("colour", SLOPES)
@pytest.mark.parametrize(("level_db", "least"), [(0.0, 0.98), (-6.0, 0.95)])
def test_sounds_in_noise_are_found(colour: str, level_db: float, least: float) -> None:
    assert auroc(colour, level_db) >= least


@pytest.mark.slow
@pytest.mark.parametrize("colour", SLOPES)
def test_noise_by_itself_is_quiet(colour: str) -> None:
    found = totals(colour, -np.inf)[FIRST_S * 10 :]
    assert np.median(found) < 0.05
    assert np.mean(found > 0.3) < 0.02
