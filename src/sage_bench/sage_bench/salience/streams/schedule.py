"""When something happens in a stream, and of what kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SOUNDS = {"sound +6 dB": 6.0, "sound 0 dB": 0.0, "sound -6 dB": -6.0}
"""Families of sound events and their level over the background."""
SIGHTS = ("cut", "entry", "occlusion", "freeze")
MOTIONS = ("knock", "turn")
DISAGREEMENT = "disagreement"
FAMILIES = (*SOUNDS, *SIGHTS, *MOTIONS, DISAGREEMENT)
MOST_S = {"cut": 3.0, "entry": 2.4, "occlusion": 2.1, "freeze": 2.0, "knock": 0.4, "turn": 1.2}
"""How long an event lasts; the first seconds of a new scene belong to the cut."""
LONGEST_SOUND_S = 3.0
WARM_UP_S = 30.0
SHORTEST_GAP_S, LONGEST_GAP_S = 4.0, 8.0
LAST_GAP_S = 3.0


@dataclass(frozen=True)
class Event:
    """Something that happens.

    Attributes:
        family: one of `FAMILIES`.
        onset_s, end_s: first and last moment of it in the stream.
        detail: what exactly, in words.
    """

    family: str
    onset_s: float
    end_s: float
    detail: str = ""


def schedule(
    random: np.random.Generator,
    length_s: float,
    begin_s: float = WARM_UP_S,
    gap_s: tuple[float, float] = (SHORTEST_GAP_S, LONGEST_GAP_S),
) -> tuple[Event, ...]:
    """Events of all families in random order, equally often, with background between them.

    Args:
        random: decides all that chance decides.
        length_s: of the stream [s].
        begin_s: of background at first: everything that learns online needs some past [s].
        gap_s: the shortest and the longest background between two events [s].
    """
    events: list[Event] = []
    time_s = begin_s
    bag: list[str] = []
    while True:
        bag = bag or [FAMILIES[i] for i in random.permutation(len(FAMILIES))]
        family = bag.pop()
        length = MOST_S.get(family, LONGEST_SOUND_S)
        time_s += float(random.uniform(*gap_s))
        if time_s + length + LAST_GAP_S > length_s:
            return tuple(events)
        # On the grid of ticks, so that an onset is an onset for every detector.
        time_s = round(time_s, 1)
        events.append(Event(family, time_s, time_s + length))
        time_s += length
