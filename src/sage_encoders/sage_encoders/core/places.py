"""Names of places in the percepts of the encoders: of sound, body and words."""

from __future__ import annotations

import numpy as np

from sage_common.core.puzzle import GRID
from sage_common.core.specs.places import Spectrogram, Table
from sage_encoders.core import body_layout as body
from sage_encoders.core import log_mel
from sage_encoders.core.proprioception import PAST_S

TORSO = ("attitude", "turning", "acceleration", "joint")
TIMES = (f", {PAST_S:g} s ago", "", ", as predicted")
_GROUP = 3
"""Slots that make up one thing: three axes, or position, velocity and effort of a joint."""


def _sound() -> Spectrogram:
    filters = log_mel.mel_filters().astype(np.float64)
    bins = np.arange(filters.shape[1]) * (log_mel.SAMPLE_RATE / log_mel.N_FFT)
    centres = filters @ bins / filters.sum(axis=1)
    between = (centres[1:] + centres[:-1]) / 2.0
    edges = np.concatenate(([log_mel.LOWEST_HZ], between, [log_mel.HIGHEST_HZ]))
    bands_a_row = log_mel.BANDS // GRID
    window_s = log_mel.FRAMES * log_mel.HOP / log_mel.SAMPLE_RATE
    return Spectrogram(edges[::bands_a_row].tolist(), window_s)


def _body() -> Table:
    """What each of the 30x30 cells shows, as `body_layout` lays them out."""
    rows = GRID // len(body.PARTS)
    columns = GRID // len(body.TIMES)
    return Table(
        [
            [
                _part(body.PARTS[row // rows], row % rows + rows * (column % columns // body.CELLS))
                + TIMES[column // columns]
                for column in range(GRID)
            ]
            for row in range(GRID)
        ]
    )


def _part(part: str, slot: int) -> str:
    group = slot // _GROUP
    return f"torso {TORSO[group]}" if part == "torso" else f"{part} joint {group + 1}"


_ORDER = ("first", "middle", "last")
SOUND = _sound()
BODY = _body()
WORDS = Table(
    [
        [f"{one} words" if one == other else f"{one} and {other} words" for other in _ORDER]
        for one in _ORDER
    ]
)
