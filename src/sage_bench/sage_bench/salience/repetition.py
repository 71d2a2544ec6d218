"""Rows of the bench: what comes again and again fades from its onset to its end, nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.played import chosen_half
from sage_bench.salience.streams.sounds import SOUND_RATE
from sage_bench.salience.streams.sources import Sources
from sage_bench.salience.streams.stream import sources_of
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.core.audio import AudioEncoder
from sage_snarc.core.scorer import Scorer, VectorScorer

RATE_HZ = 10
TICK = SOUND_RATE // RATE_HZ
MINUTES, OTHER_AT = 12, 11
WITHIN_S = 3.0
CALM_MINUTES, SETTLED_S = 10, 60.0
QUIET = 0.1
ROOM_RMS, BANG_PEAK, BARK_RMS = 0.02, 0.5, 0.1
SEED = 5
NOTE = (
    "repetition: the same once a minute, jittered by up to 0.1 s, and another one at minute "
    f"{OTHER_AT}; the largest total of the {WITHIN_S:.0f} s from each onset. Sounds in a room of "
    "the half; pulses of 0.8 s of 1 and of 6 numbers in noise. Calm streams: share of samples "
    f"above {QUIET} after {SETTLED_S:.0f} s of {CALM_MINUTES} minutes"
)

Sound = NDArray[np.float32]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Totals of a stream.

    Attributes:
        times_s: of its samples, float64 [T].
        totals: float64 [T], each 0..1.
        onsets_s: of what comes again, at `OTHER_AT` another; empty: nothing happens.
    """

    times_s: Values
    totals: Values
    onsets_s: tuple[float, ...] = ()


def rows(setting: Setting) -> Figures:
    """The first, second and tenth of the same, and another; and calm streams."""
    made = []
    for name, curve in curves(setting, chosen_half(setting.quick)).items():
        if curve.onsets_s:
            made += _faded(name, curve)
            continue
        totals = curve.totals[curve.times_s >= SETTLED_S]
        made.append(
            Row(f"share above {QUIET}: {name}", float((totals > QUIET).mean()), "",
                samples=len(totals))
        )  # fmt: skip
    return Figures(tuple(made), (NOTE,))


def curves(setting: Setting, half: str) -> dict[str, Curve]:
    """Totals of each stream, in a room of this half, by its name."""
    sources = sources_of(half, setting.data)
    found = {}
    for name, (same, other) in sounds(sources).items():
        samples, onsets_s = each_minute(sources.rooms[0].samples, same, other)
        found[name] = Curve(*_heard(samples, setting), tuple(onsets_s))
    for size in (1, 6):
        values, onsets_s = pulses(size)
        found[f"pulse of {size}"] = Curve(*_scored(values), tuple(onsets_s))
    return found | {name: Curve(*_scored(values)) for name, values in calm().items()}


def sounds(sources: Sources) -> dict[str, tuple[Sound, Sound]]:
    """A sound and another one, by name."""
    heard = {item.name: np.asarray(item.samples, np.float32) for item in sources.event_sounds}
    bark = next(samples for name, samples in heard.items() if "dog_bark" in name)
    rooster = next(samples for name, samples in heard.items() if "rooster" in name)
    return {
        "bang": (bang(1, 0.12, 600.0), bang(2, 0.3, 3500.0)),
        "bark": (BARK_RMS * bark, BARK_RMS * rooster),
    }


def bang(seed: int, decay_s: float, centre_hz: float) -> Sound:
    """A decaying burst of noise about a frequency, float32 [0.8 s]."""
    size = round(0.8 * SOUND_RATE)
    noise = np.random.default_rng(seed).standard_normal(size)
    spectrum = np.fft.rfft(noise * np.exp(-np.arange(size) / (decay_s * SOUND_RATE)))
    octaves = np.log((np.fft.rfftfreq(size, 1.0 / SOUND_RATE) + 1.0) / centre_hz)
    burst = np.fft.irfft(spectrum * np.exp(-0.5 * (octaves / 0.8) ** 2), size)
    return np.asarray(BANG_PEAK * burst / np.abs(burst).max(), np.float32)


def each_minute(room: NDArray[np.generic], same: Sound, other: Sound) -> tuple[Sound, list[float]]:
    """Pieces of a room's noise in random order, with a sound at each minute; and its onsets [s]."""
    random = np.random.default_rng(SEED)
    samples = np.zeros((MINUTES * 60 + 10) * SOUND_RATE, np.float32)
    at = 0
    fade = np.linspace(0.0, 1.0, SOUND_RATE // 20, dtype=np.float32)
    while at < len(samples):
        length = min(int(random.uniform(2.0, 6.0) * SOUND_RATE), len(room) // 2)
        first = int(random.integers(0, len(room) - length))
        piece = np.asarray(room[first : first + length], np.float32).copy()
        piece[: len(fade)] *= fade
        piece[-len(fade) :] *= fade[::-1]
        end = min(at + length, len(samples))
        samples[at:end] += ROOM_RMS * piece[: end - at]
        at += length - len(fade)
    onsets_s = []
    for minute in range(1, MINUTES + 1):
        onset = int((60.0 * minute + random.uniform(0.0, 0.1)) * SOUND_RATE)
        sound = other if minute == OTHER_AT else same
        samples[onset : onset + len(sound)] += sound
        onsets_s.append(onset / SOUND_RATE)
    return np.clip(samples, -1.0, 1.0), onsets_s


def pulses(size: int) -> tuple[Values, list[float]]:
    """Noise with a decaying pulse at each minute, another one once, float64 [T, size]."""
    random = np.random.default_rng(SEED)
    values = 0.1 * random.standard_normal(((MINUTES * 60 + 10) * RATE_HZ, size))
    shape = np.exp(-np.arange(8) / 3.0)[:, None]
    same, other = random.standard_normal((2, 1, size))
    other = -1.3 * same if size == 1 else other
    for minute in range(1, MINUTES + 1):
        direction = other if minute == OTHER_AT else same
        at = minute * 60 * RATE_HZ
        values[at : at + 8] += 3.0 * shape * direction / np.linalg.norm(same)
    return values, [60.0 * minute - 0.5 / RATE_HZ for minute in range(1, MINUTES + 1)]


def calm() -> dict[str, Values]:
    """Streams in which nothing happens, float64 [T, n] at ten a second."""
    random = np.random.default_rng(SEED)
    count = CALM_MINUTES * 60 * RATE_HZ
    time_s = np.arange(count) / RATE_HZ
    turned = 2.0 * np.pi * time_s / 300.0 + np.arange(16)[:, None]
    night = np.zeros(count)
    for index, noise in enumerate(random.standard_normal(count - 1).tolist(), 1):
        night[index] = 0.9 * night[index - 1] + 0.2 * noise
    return {
        "slow pan of 16": np.sin(turned).T + 0.02 * random.standard_normal((count, 16)),
        "quiet night, level in steps of 0.5 dB": np.round(2.0 * (night - 60.0))[:, None] / 2.0,
        "fan, 1 Hz with noise": (
            np.sin(2.0 * np.pi * time_s) + 0.1 * random.standard_normal(count)
        )[:, None],
        "constant with noise": (5.0 + 0.01 * random.standard_normal(count))[:, None],
    }


def _heard(samples: Sound, setting: Setting) -> tuple[Values, Values]:
    """Times [s] and totals of a sound through the encoder and its scorer."""
    model = ModelRegistry().open("audio_encoder", setting.models, "auto", "cpu", 1).model
    encoder, scorer = AudioEncoder(model, "bench"), Scorer("audio")
    times_s, totals = [], []
    for tick in range(len(samples) // TICK):
        stamp_ns = (tick + 1) * (10**9 // RATE_HZ)
        percept = encoder.push(samples[tick * TICK : (tick + 1) * TICK], stamp_ns)
        if percept is not None:
            times_s.append(stamp_ns * 1e-9)
            totals.append(scorer.score(percept).total)
    return np.array(times_s), np.array(totals)


def _scored(values: Values) -> tuple[Values, Values]:
    """Times [s] and totals of a stream of numbers."""
    scorer = VectorScorer("bench")
    totals = [scorer.score(i * 10**9 // RATE_HZ, row).total for i, row in enumerate(values)]
    return np.arange(len(totals)) / RATE_HZ, np.array(totals)


def _faded(name: str, curve: Curve) -> list[Row]:
    heights = [
        float(curve.totals[(curve.times_s > at_s) & (curve.times_s <= at_s + WITHIN_S)].max())
        for at_s in curve.onsets_s
    ]
    return [
        Row(f"{name}, the first", heights[0], "", better="higher"),
        Row(f"{name}, the second", heights[1], ""),
        Row(f"{name}, the tenth", heights[9], "", goal=QUIET),
        Row(f"{name}, another after ten", heights[OTHER_AT - 1], "", better="higher"),
    ]
