"""What the microphone of a stream hears: places, and labelled sounds mixed into them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.schedule import DISAGREEMENT, SOUNDS, Event
from sage_bench.salience.streams.sounds import SOUND_RATE
from sage_bench.salience.streams.sources import Named

Samples = NDArray[np.float32]
LEVEL = 0.02
CROSSFADE_S = 0.1
DRIFT_DB = 1.5
PLACE_DB = 1.0


def soundscape(
    places: tuple[Named, Named],
    sounds: tuple[Named, ...],
    events: tuple[Event, ...],
    length_s: float,
    random: np.random.Generator,
) -> tuple[Samples, tuple[Event, ...]]:
    """All samples of a stream, float32 [n] at 16 kHz, and the events with their details.

    A cut leads to the sound of the other place; a disagreement is the sound of the other place
    while the camera stays where it is. Sounds are mixed at their family's level over the
    background's own RMS around them.
    """
    beds = [_bed(np.asarray(place.samples, np.float32), length_s, random) for place in places]
    elsewhere = np.zeros(len(beds[0]), np.float32)
    for event in events:
        span = slice(round(event.onset_s * SOUND_RATE), round(event.end_s * SOUND_RATE))
        if event.family == "cut":
            elsewhere[span.start :] = 1.0 - elsewhere[span.start :]
        elif event.family == DISAGREEMENT:
            elsewhere[span] = 1.0 - elsewhere[span]
    share = _smooth(elsewhere)
    heard = np.sqrt(1.0 - share) * beds[0] + np.sqrt(share) * beds[1]
    told = []
    for event in events:
        if event.family in SOUNDS:
            event = _mix(heard, event, sounds[int(random.integers(len(sounds)))])
        told.append(event)
    return heard.astype(np.float32), tuple(told)


def _mix(heard: Samples, event: Event, sound: Named) -> Event:
    start = round(event.onset_s * SOUND_RATE)
    clip = np.asarray(sound.samples, np.float32)[: len(heard) - start]
    around = heard[max(start - SOUND_RATE, 0) : start + len(clip)]
    level = float(np.sqrt(np.mean(np.square(around, dtype=np.float64))))
    heard[start : start + len(clip)] += clip * level * 10.0 ** (SOUNDS[event.family] / 20.0)
    return replace(event, end_s=event.onset_s + len(clip) / SOUND_RATE, detail=sound.name)


def _bed(place: Samples, length_s: float, random: np.random.Generator) -> Samples:
    """A place's sound for as long as needed: pieces of it in random order, crossfaded."""
    size, fade = round(length_s * SOUND_RATE), round(CROSSFADE_S * SOUND_RATE)
    ramp = np.sqrt(np.linspace(0.0, 1.0, fade, dtype=np.float32))
    bed = np.zeros(size + len(place) + fade, np.float32)
    at = 0
    while at < size:
        length = min(round(random.uniform(2.0, 5.0) * SOUND_RATE), len(place))
        start = int(random.integers(len(place) - length + 1))
        piece = place[start : start + length].copy()
        piece[:fade] *= ramp
        piece[-fade:] *= ramp[::-1]
        bed[at : at + length] += piece
        at += length - fade
    knots = np.cumsum(random.normal(0.0, 0.4, size // SOUND_RATE + 2))
    decibels = np.clip(knots - knots.mean(), -DRIFT_DB, DRIFT_DB)
    decibels += float(random.uniform(-PLACE_DB, PLACE_DB))
    gain = np.interp(np.arange(size) / SOUND_RATE, np.arange(len(knots)), decibels)
    return np.asarray(LEVEL * bed[:size] * 10.0 ** (gain / 20.0), np.float32)


def _smooth(share: Samples) -> Samples:
    """Steps turned into ramps of 20 ms, which do not click."""
    width = SOUND_RATE // 50
    total = np.cumsum(np.concatenate([np.full(width, share[0]), share]), dtype=np.float64)
    return np.asarray(np.clip((total[width:] - total[:-width]) / width, 0.0, 1.0), np.float32)
