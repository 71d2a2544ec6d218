"""When what happens: the first lap as it is written, later ones drawn by a seeded generator.

In a later lap there is as much quiet as in the first, what follows each other is for different
senses, and every second one begins with what the first did not have: a sound that comes shortly
after another, or again, is nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.story.composition import APART_S, Composition, Event

PAUSES = (1.2, 1.8)
"""Between two events of a later lap nothing happens for so much of the first lap's mean quiet."""
KEPT = 3
"""Laps that are remembered: tracks are read at times that are near to each other."""


@dataclass(frozen=True)
class Happening:
    """An event at its time.

    Attributes:
        event: what happens.
        lap: 0, 1, ...
        start_ns, end_ns: since the start of the first lap [ns].
        take: which of the files of a recording is played: number `take` modulo their count.
    """

    event: Event
    lap: int
    start_ns: int
    end_ns: int
    take: int = 0


class Laps:
    """The laps of a composition.

    Args:
        composition: what happens.
    """

    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self.lap_ns = round(composition.lap_s * NS_PER_S)
        self._known: dict[int, tuple[Happening, ...]] = {}

    def of(self, lap: int) -> tuple[Happening, ...]:
        """What happens in a lap, in order of time, never two at once; equal for equal seeds.

        Later laps take the events in another order at other times, until one has no room, and the
        next recording of each kind.
        """
        if lap not in self._known:
            while len(self._known) >= KEPT:
                del self._known[next(iter(self._known))]
            self._known[lap] = _written(self.composition) if lap == 0 else self._drawn(lap)
        return self._known[lap]

    def between(self, start_ns: int, end_ns: int) -> list[Happening]:
        """What happens at some time from `start_ns` to `end_ns`, since the start [ns]."""
        laps = range(start_ns // self.lap_ns, end_ns // self.lap_ns + 1)
        found = [one for lap in laps if lap >= 0 for one in self.of(lap)]
        return [one for one in found if one.start_ns <= end_ns and start_ns < one.end_ns]

    def _drawn(self, lap: int) -> tuple[Happening, ...]:
        composition = self.composition
        random = np.random.default_rng((composition.seed, lap))
        first_s = [event.for_s for event in composition.events if event.at_s is not None]
        quiet_s = (composition.lap_s - sum(first_s)) / (len(first_s) + 1)
        found: list[Happening] = []
        free_s = 0.0
        for event in self._order(lap, random):
            at_s = free_s + max(quiet_s * float(random.uniform(*PAUSES)), APART_S)
            if at_s + event.for_s + APART_S > composition.lap_s:
                if found:
                    break
                continue
            found.append(_happening(composition, event, lap, at_s, lap))
            free_s = at_s + event.for_s
        return tuple(found)

    def _order(self, lap: int, random: np.random.Generator) -> list[Event]:
        """All events: in odd laps first those that the first lap has not, in even ones the others;
        no two of one sense after each other, if that can be."""
        events = self.composition.events
        drawn = [events[number] for number in random.permutation(len(events))]
        drawn.sort(key=lambda event: (event.at_s is None) != bool(lap % 2))
        order: list[Event] = []
        while drawn:
            last = _sense(order[-1]) if order else ""
            chosen = next((event for event in drawn if _sense(event) != last), drawn[0])
            drawn.remove(chosen)
            order.append(chosen)
        return order


def _sense(event: Event) -> str:
    changes = {"sound": event.sound, "picture": event.picture, "motion": event.motion}
    return next((name for name, change in changes.items() if change is not None), "words")


def _written(composition: Composition) -> tuple[Happening, ...]:
    written = [(event.at_s, event) for event in composition.events if event.at_s is not None]
    timed = sorted(written, key=lambda item: item[0])
    return tuple(_happening(composition, event, 0, at_s, 0) for at_s, event in timed)


def _happening(
    composition: Composition, event: Event, lap: int, at_s: float, take: int
) -> Happening:
    start_s = lap * composition.lap_s + at_s
    return Happening(
        event, lap, round(start_s * NS_PER_S), round((start_s + event.for_s) * NS_PER_S), take
    )
