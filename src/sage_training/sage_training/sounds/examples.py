"""Five seconds of labelled sound: clips as they are and over noise, and what is none of them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from sage_encoders.backends.speech.sound_classifier import CLASSES, WINDOW_S
from sage_training import data

DIGITS = Path("audio/fsdd600_8k_flac.zip")
WINDOW = round(WINDOW_S * data.SAMPLE_RATE)
NONE = len(CLASSES)
HELD_OUT_FOLD = 4
COPIES = 4
"""Of each clip: somewhere else in the window, over noise, and of another loudness."""
LEAST_SNR_DB, MOST_SNR_DB = 5.0, 30.0
LEAST_GAIN, MOST_GAIN = -1.0, 0.3
"""Decades."""
ROOMS, STREETS, CUTS, DIGITS_EACH = 60, 30, 3, 6
"""Windows of the noises to train on and of those held out, of each sentence, and every so many of
the digits."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A window of sound.

    Attributes:
        samples: 16 kHz, float32 [80000].
        label: number of the class; NONE: none of them.
        is_clean: as it was recorded.
        is_held_out: of fold 4 of ESC-10, of noises 4 and 5, of the second half of LJSpeech, or of
            the digits of odd number.
    """

    samples: Floats
    label: int
    is_clean: bool
    is_held_out: bool


def examples(folder: Path, rng: np.random.Generator) -> list[Example]:
    """All of them; what is held out is heard over held-out noise only."""
    noise = [samples for _, samples in data.sounds(folder / data.NOISE, "noise/")]
    beds = noise[:3], noise[3:]
    made = []
    for name, samples in data.sounds(folder / data.ESC10):
        held_out, label = data.fold(name) == HELD_OUT_FOLD, int(name[:3]) - 1
        clip = _window(samples)
        made.append(Example(clip, label, True, held_out))
        for _ in range(COPIES):
            made.append(Example(over_noise(clip, beds[held_out], rng), label, False, held_out))
    for held_out, windows in ((False, ROOMS), (True, STREETS)):
        for _ in range(windows):
            bed = _piece(beds[held_out][rng.integers(len(beds[held_out]))], rng)
            made.append(Example(_louder(bed, rng), NONE, True, held_out))
    return made + _speech(folder, beds, rng)


def over_noise(clip: Floats, beds: list[Floats], rng: np.random.Generator) -> Floats:
    """A clip that begins earlier or later, over one of the noises, louder or softer."""
    shift = int(rng.integers(-WINDOW // 3, WINDOW // 3))
    moved = np.zeros(WINDOW, np.float32)
    moved[max(shift, 0) : WINDOW + min(shift, 0)] = clip[max(-shift, 0) : WINDOW - max(shift, 0)]
    bed = _piece(beds[rng.integers(len(beds))], rng)
    ratio = 10.0 ** (rng.uniform(LEAST_SNR_DB, MOST_SNR_DB) / 10.0)
    level = np.sqrt(np.mean(clip**2) / (np.mean(bed**2) + 1e-12) / ratio)
    return _louder(moved + np.float32(level) * bed, rng)


def _speech(
    folder: Path, beds: tuple[list[Floats], list[Floats]], rng: np.random.Generator
) -> list[Example]:
    made = []
    sentences = data.sounds(folder / data.SPEECH)
    for number, (_, samples) in enumerate(sentences):
        held_out = number >= len(sentences) // 2
        for cut in range(CUTS):
            window = _piece(samples, rng)
            heard = over_noise(window, beds[held_out], rng) if cut else window
            made.append(Example(heard, NONE, not cut, held_out))
    for name, samples in digits(folder)[::DIGITS_EACH]:
        held_out = int(Path(name).stem.split("_")[2]) % 2 == 1
        heard = over_noise(_window(samples), beds[held_out], rng)
        made.append(Example(heard, NONE, False, held_out))
    return made


def digits(folder: Path) -> list[tuple[str, Floats]]:
    """Names and samples at 16 kHz of the spoken digits, which were recorded at 8 kHz."""
    found = []
    with zipfile.ZipFile(folder / DIGITS) as archive:
        for name in sorted(n for n in archive.namelist() if n.endswith(".flac")):
            slow, _ = soundfile.read(io.BytesIO(archive.read(name)), dtype="float32")
            twice = np.fft.irfft(np.fft.rfft(slow), 2 * len(slow)) * 2.0
            found.append((name, np.asarray(twice, np.float32)))
    return found


def _window(samples: Floats) -> Floats:
    return np.pad(samples[:WINDOW], (0, max(WINDOW - len(samples), 0)))


def _piece(samples: Floats, rng: np.random.Generator) -> Floats:
    """Five seconds from somewhere in a sound; a shorter one is followed by silence."""
    start = int(rng.integers(0, max(len(samples) - WINDOW, 1)))
    return _window(samples[start : start + WINDOW])


def _louder(samples: Floats, rng: np.random.Generator) -> Floats:
    gain = 10.0 ** rng.uniform(LEAST_GAIN, MOST_GAIN)
    return np.clip(samples * gain, -1.0, 1.0).astype(np.float32)
