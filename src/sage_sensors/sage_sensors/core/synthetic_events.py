"""The script of the synthetic world: what happens when, a pure function of the seed.

Picture and sound are made from the same script, so what is seen is also heard.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sage_common.core.clock import NS_PER_MS, NS_PER_S

SLOT_NS = 4 * NS_PER_S
KINDS = ("crossing", "flash")


@dataclass(frozen=True)
class SyntheticEvent:
    """Ground truth of one event.

    Attributes:
        kind: "crossing" (a disc crosses the picture, with a rising tone) or "flash" (a bright
            patch for a moment, with a clap).
        start_ns, end_ns: from and until when [ns].
        height: vertical centre, 0 (top) to 1 (bottom) of the picture.
        place: horizontal centre of a flash, 0 (left) to 1 (right); a crossing starts on the left
            if this is below 0.5, else on the right.
        pitch_hz: frequency at which its tone starts.
    """

    kind: str
    start_ns: int
    end_ns: int
    height: float
    place: float
    pitch_hz: float

    def progress(self, time_ns: int) -> float | None:
        """0 at the start, 1 at the end; None outside."""
        if not self.start_ns <= time_ns < self.end_ns:
            return None
        return (time_ns - self.start_ns) / (self.end_ns - self.start_ns)


def event_of_slot(seed: int, slot: int) -> SyntheticEvent:
    """The one event of each 4 s: number `slot` (0, 1, ...) lies within slot*4 s .. (slot+1)*4 s."""
    rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, slot]))
    kind = KINDS[int(rng.integers(len(KINDS)))]
    length_ns = 1500 * NS_PER_MS if kind == "crossing" else 200 * NS_PER_MS
    start_ns = slot * SLOT_NS + int(rng.integers(0, (SLOT_NS - length_ns) // NS_PER_MS)) * NS_PER_MS
    height, place = rng.uniform(0.2, 0.8, size=2)
    return SyntheticEvent(
        kind,
        start_ns,
        start_ns + length_ns,
        float(height),
        float(place),
        float(rng.uniform(400.0, 1200.0)),
    )


def events_between(seed: int, start_ns: int, end_ns: int) -> list[SyntheticEvent]:
    """The events that overlap `start_ns` <= t < `end_ns`, in order; times >= 0."""
    slots = range(max(start_ns, 0) // SLOT_NS, max(end_ns - 1, 0) // SLOT_NS + 1)
    events = (event_of_slot(seed, slot) for slot in slots)
    return [event for event in events if event.start_ns < end_ns and event.end_ns > start_ns]
