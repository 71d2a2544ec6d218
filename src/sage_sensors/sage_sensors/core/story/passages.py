"""The pictures of a composition as passages of its recordings, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.story.composition import Composition
from sage_sensors.core.story.laps import Happening, Laps

FADE_S = 0.07
"""In which a picture grows dark, and light again."""


@dataclass(frozen=True)
class Passage:
    """A part of a recording.

    Attributes:
        start_ns, end_ns: when it is shown, since the start of the first lap [ns].
        recording: its name; "": the bed.
        take: number of the file, modulo their count.
        from_s: moment of the recording at the start [s]; time goes backwards from there if
            `backwards`.
        changed: the event that it is of; None: the bed is shown as it is.
    """

    start_ns: int
    end_ns: int
    recording: str
    take: int
    from_s: float
    backwards: bool = False
    changed: Happening | None = None

    @property
    def upside_down(self) -> bool:
        """It is turned by half a turn."""
        change = None if self.changed is None else self.changed.event.picture
        return change is not None and change.upside_down

    def brightness(self, time_ns: int) -> float:
        """Of the picture at a time, 0 to 1."""
        if self.changed is None or self.changed.event.picture is None:
            return 1.0
        edge_ns = min(time_ns - self.changed.start_ns, self.changed.end_ns - time_ns)
        share = min(max(edge_ns / NS_PER_S / FADE_S, 0.0), 1.0)
        return 1.0 - share * (1.0 - self.changed.event.picture.brightness)


def bed_place(time_s: float, length_s: float, back_and_forth: bool) -> tuple[float, bool]:
    """Moment of the bed's recording at a time since the start [s], and whether it goes backwards.

    Args:
        length_s: of the recording, > 0.
    """
    turns, place_s = divmod(time_s, length_s)
    backwards = back_and_forth and turns % 2 == 1
    return (length_s - place_s if backwards else place_s), backwards


def passages(laps: Laps, lap: int, bed_s: float) -> Iterator[Passage]:
    """The passages of one lap, in order, without gaps.

    Args:
        bed_s: length of the bed's recording [s].
    """
    composition = laps.composition
    time_ns, end_ns = lap * laps.lap_ns, (lap + 1) * laps.lap_ns
    for happening in laps.of(lap):
        change = happening.event.picture
        if change is None:
            continue
        yield from _bed(composition, time_ns, happening.start_ns, bed_s)
        if change.recording:
            shown = Passage(
                happening.start_ns, happening.end_ns, change.recording, happening.take,
                change.from_s, changed=happening,
            )  # fmt: skip
            yield shown
        else:
            for passage in _bed(composition, happening.start_ns, happening.end_ns, bed_s):
                yield replace(passage, changed=happening)
        time_ns = happening.end_ns
    yield from _bed(composition, time_ns, end_ns, bed_s)


def _bed(composition: Composition, start_ns: int, end_ns: int, bed_s: float) -> Iterator[Passage]:
    """The bed between two times, in pieces that each go one way."""
    while start_ns < end_ns:
        turn_ns = round((start_ns / NS_PER_S // bed_s + 1.0) * bed_s * NS_PER_S)
        if turn_ns <= start_ns:  # a rounding before its turn
            turn_ns = start_ns + round(bed_s * NS_PER_S)
        until_ns = min(end_ns, turn_ns)
        middle_s = (start_ns + until_ns) / 2 / NS_PER_S
        _, backwards = bed_place(middle_s, bed_s, composition.bed.back_and_forth)
        from_s, _ = bed_place(start_ns / NS_PER_S, bed_s, composition.bed.back_and_forth)
        if abs(from_s - (bed_s if backwards else 0.0)) > bed_s - 1e-6:
            from_s = bed_s if backwards else 0.0
        yield Passage(start_ns, until_ns, "", 0, from_s, backwards)
        start_ns = until_ns
