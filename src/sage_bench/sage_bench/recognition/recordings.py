"""Recorded speech and noise that chose no constant."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from sage_training import data as recorded
from sage_training.sounds.examples import digits

JFK = Path("audio/jfk_16k.flac")
JFK_SAID = (
    "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country"
)
WITHOUT = 4
"""Sentences with a transcript that chose constants: the first ones."""
HELD_OUT_NOISE = ("noise/noise4.flac", "noise/noise5.flac")
PAUSE_S, DIGITS_EACH = 0.2, 4
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPELLED = {"42": "forty two", "1455": "fourteen fifty five"}
SAMPLE_RATE = recorded.SAMPLE_RATE

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """Speech, 16 kHz float32 [n], and the words of its transcript."""

    samples: Floats
    words: list[str]


def sentences(data: Path) -> list[Spoken]:
    """Those of LJSpeech that have a transcript and chose nothing, and Kennedy's."""
    clips = dict(recorded.sounds(data / recorded.SPEECH))
    with zipfile.ZipFile(data / recorded.SPEECH) as archive:
        rows = archive.read("metadata.csv").decode().splitlines()
    named = [row.split("|") for row in rows[WITHOUT:]]
    found = [Spoken(clips[f"{name}.flac"], words_of(said)) for name, _, said in named]
    samples, _ = soundfile.read(data / JFK, dtype="float32")
    return [*found, Spoken(samples, JFK_SAID.split())]


def digit_strings(data: Path, strings: int) -> list[Spoken]:
    """Four digits of odd number by one of six speakers, one after the other."""
    rng = np.random.default_rng(1)
    by_speaker: dict[str, list[tuple[str, Floats]]] = {}
    for name, samples in digits(data):
        digit, speaker, number = Path(name).stem.split("_")
        if int(number) % 2:
            by_speaker.setdefault(speaker, []).append((digit, samples))
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32)
    found = []
    for number in range(strings):
        said = list(by_speaker.values())[number % len(by_speaker)]
        chosen = [said[n] for n in rng.choice(len(said), DIGITS_EACH, replace=False)]
        samples = np.concatenate([pause, *(part for _, one in chosen for part in (one, pause))])
        found.append(Spoken(samples, [DIGITS[int(digit)] for digit, _ in chosen]))
    return found


def in_noise(spoken: list[Spoken], data: Path, snr_db: float) -> list[Spoken]:
    """The same over noise that chose nothing."""
    beds = dict(recorded.sounds(data / recorded.NOISE))
    mixed = []
    for number, one in enumerate(spoken):
        bed = np.resize(beds[HELD_OUT_NOISE[number % len(HELD_OUT_NOISE)]], len(one.samples))
        ratio = 10.0 ** (snr_db / 10.0)
        level = np.sqrt(np.mean(one.samples**2) / np.mean(bed**2) / ratio)
        mixed.append(Spoken((one.samples + level * bed).astype(np.float32), one.words))
    return mixed


def noise(data: Path, seconds: float) -> Floats:
    """So much of the noise that chose nothing, again and again."""
    beds = dict(recorded.sounds(data / recorded.NOISE))
    both = np.concatenate([beds[name] for name in HELD_OUT_NOISE])
    return np.resize(both, round(seconds * SAMPLE_RATE))


def other_sounds(data: Path) -> list[Floats]:
    """The clips of fold 4 of ESC-10: animals, weather, machines, people who do not speak."""
    clips = recorded.sounds(data / recorded.ESC10)
    return [samples for name, samples in clips if recorded.fold(name) == 4]


def words_of(text: str) -> list[str]:
    """Words without signs, in small letters, numbers spelled out."""
    plain = text.lower().replace("-", " ")
    for number, spelled in SPELLED.items():
        plain = plain.replace(number, spelled)
    plain = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", plain)
    return re.sub(r"[^a-z' ]", " ", plain).split()


def right_words(said: list[str], understood: list[str]) -> tuple[int, list[bool]]:
    """Words that are missing, too many or others, and which of the understood are right."""
    rows, columns = len(said) + 1, len(understood) + 1
    errors = np.zeros((rows, columns), np.int64)
    errors[:, 0], errors[0] = np.arange(rows), np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            other = errors[i - 1, j - 1] + (said[i - 1] != understood[j - 1])
            errors[i, j] = min(errors[i - 1, j] + 1, errors[i, j - 1] + 1, other)
    right = [False] * len(understood)
    i, j = rows - 1, columns - 1
    while i and j:
        same = said[i - 1] == understood[j - 1]
        if errors[i, j] == errors[i - 1, j - 1] + (not same):
            right[j - 1] = same
            i, j = i - 1, j - 1
        elif errors[i, j] == errors[i, j - 1] + 1:
            j -= 1
        else:
            i -= 1
    return int(errors[-1, -1]), right
