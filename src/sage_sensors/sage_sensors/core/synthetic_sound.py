"""Sound that needs no microphone: a pure function of the seed and the time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.samples import (
    CHUNK_SAMPLES,
    SAMPLE_NS,
    SAMPLE_RATE_HZ,
    Sound,
    Stamped,
)
from sage_sensors.core.synthetic_events import SyntheticEvent, events_between

NOISE_RMS = 0.003
TONE_AMPLITUDE = 0.2
CLAP_AMPLITUDE = 0.6


class SyntheticSound:
    """A quiet hiss; a rising tone for each "crossing", a clap for each "flash" of the script.

    Args:
        seed: of the noise and of the events, >= 0.
    """

    source = "synthetic"
    length_ns = 0
    period_s = CHUNK_SAMPLES / SAMPLE_RATE_HZ

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def chunk(self, number: int) -> NDArray[np.float32]:
        """The 100 ms from `number` * 100 ms on: float32 [1600]."""
        noise = self._noise(number)
        first = number * CHUNK_SAMPLES
        times_ns = (first + np.arange(CHUNK_SAMPLES)) * SAMPLE_NS
        samples = NOISE_RMS * noise
        for event in self.events(int(times_ns[0]), int(times_ns[-1]) + 1):
            samples += _voice(event, times_ns, noise)
        return samples.astype(np.float32)

    def events(self, start_ns: int, end_ns: int) -> list[SyntheticEvent]:
        """Ground truth: what sounds within `start_ns` <= t < `end_ns`."""
        return events_between(self._seed, start_ns, end_ns)

    def items(self) -> Iterator[Stamped[Sound]]:
        number = 0
        while True:
            last = (number + 1) * CHUNK_SAMPLES - 1
            yield Stamped(last * SAMPLE_NS, Sound(self.chunk(number)))
            number += 1

    def _noise(self, number: int) -> NDArray[np.float64]:
        bits = np.random.Philox(key=self._seed, counter=[0, 0, 3, number])
        return np.random.Generator(bits).standard_normal(CHUNK_SAMPLES)


def _voice(
    event: SyntheticEvent, times_ns: NDArray[np.int64], noise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What one event adds at the given times [n]."""
    inside = (times_ns >= event.start_ns) & (times_ns < event.end_ns)
    since_s = np.where(inside, times_ns - event.start_ns, 0) / NS_PER_S
    length_s = (event.end_ns - event.start_ns) / NS_PER_S
    if event.kind == "flash":
        voice = CLAP_AMPLITUDE * np.clip(noise, -1.0, 1.0) * np.exp(-since_s / 0.03)
    else:
        # An octave up: the phase is the integral of pitch * 2 ** (t / length).
        turns = event.pitch_hz * length_s / np.log(2.0) * (2.0 ** (since_s / length_s) - 1.0)
        envelope = TONE_AMPLITUDE * np.sin(np.pi * since_s / length_s)
        voice = envelope * np.sin(2.0 * np.pi * turns)
    return np.asarray(np.where(inside, voice, 0.0), dtype=np.float64)
