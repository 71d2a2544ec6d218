"""What is judged: windows of one second, each holding the onset of an event or only background."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

WINDOW_S = 1.0
BEFORE_S, AFTER_S = 1.0, 2.0
BACKGROUND = ""
ROUNDING_S = 1e-6
"""Times of ticks are sums of tenths."""


class Annotated(Protocol):
    """What is known of a stream; see `Stream` and `Event`."""

    @property
    def length_s(self) -> float: ...

    @property
    def events(self) -> Sequence[Any]: ...

    @property
    def ignored(self) -> Sequence[tuple[float, float]]: ...


@dataclass(frozen=True)
class Windows:
    """The judged windows of several streams: each stream's events, then its background.

    Attributes:
        stream: number of the stream, int64 [N].
        family: of the event whose onset begins the window; "" for background [N].
        start_s: its beginning, float64 [N].
    """

    stream: NDArray[np.int64]
    family: NDArray[np.str_]
    start_s: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.stream)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Which windows hold the onset of an event [N]."""
        positive: NDArray[np.bool_] = self.family != BACKGROUND
        return positive

    @property
    def families(self) -> tuple[str, ...]:
        """Names of the families that occur, in alphabetical order."""
        return tuple(sorted(set(self.family[self.positive].tolist())))

    def where(self, chosen: NDArray[np.bool_]) -> Windows:
        """The chosen windows."""
        return Windows(self.stream[chosen], self.family[chosen], self.start_s[chosen])

    def of_interest(self, families: Collection[str]) -> Windows:
        """The same windows for whom only these families matter: all else is background."""
        kept = np.where(np.isin(self.family, list(families)), self.family, BACKGROUND)
        return Windows(self.stream, kept, self.start_s)

    def against_background(self, family: str = "") -> NDArray[np.bool_]:
        """Which windows are background or events of a family; "": of any [N].

        Raises:
            InvalidInput: no event of that family.
        """
        if family and family not in self.families:
            raise InvalidInput("family", family, "one of " + ", ".join(self.families))
        return np.isin(self.family, [BACKGROUND, family]) | (family == "")


def judged_windows(streams: Sequence[Annotated]) -> Windows:
    """Positive: one second from each onset. Negative: the successive seconds of background.

    Background touches neither an ignored span nor the time from 1 s before the onset of any event
    to 2 s after its end.
    """
    found = []
    for number, stream in enumerate(streams):
        found += [(number, event.family, event.onset_s) for event in stream.events]
        found += [(number, BACKGROUND, start_s) for start_s in background_s(stream)]
    numbers, families, starts_s = zip(*found, strict=True) if found else ((), (), ())
    return Windows(
        np.array(numbers, np.int64), np.array(families, np.str_), np.array(starts_s, np.float64)
    )


def background_s(stream: Annotated) -> list[float]:
    """Where the background windows of a stream begin, in order."""
    taken = [(event.onset_s - BEFORE_S, event.end_s + AFTER_S) for event in stream.events]
    starts_s, free_from_s = [], 0.0
    for begin_s, end_s in sorted([*taken, *stream.ignored, (stream.length_s, stream.length_s)]):
        count = int((begin_s - free_from_s + ROUNDING_S) // WINDOW_S)
        starts_s += [free_from_s + WINDOW_S * index for index in range(count)]
        free_from_s = max(free_from_s, end_s)
    return starts_s


def largest_within(
    start_s: float, end_s: float, times_s: NDArray[np.float64], scores: NDArray[np.float64]
) -> float:
    """The largest score among the ticks after `start_s` and up to `end_s`.

    A tick is named after its end, so these are the ticks that lie within.

    Raises:
        InvalidInput: no tick there, or a score that is not finite.
    """
    first, last = np.searchsorted(times_s - ROUNDING_S, (start_s, end_s))
    within = scores[first:last]
    if not len(within) or not np.isfinite(within).all():
        span = f"{start_s:.2f} s to {end_s:.2f} s"
        raise InvalidInput("scores", within.tolist(), f"finite numbers at the ticks from {span}")
    return float(within.max())


def window_scores(
    windows: Windows,
    times_s: Sequence[NDArray[np.float64]],
    scores: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    """A detector's score of each window: its largest among the ticks in it, float64 [N].

    Args:
        times_s: ends of the ticks of each stream, float64 [T].
        scores: the detector's score at each of them, float64 [T].

    Raises:
        InvalidInput: a window without ticks or with a score that is not finite.
    """
    return np.array(
        [
            largest_within(start_s, start_s + WINDOW_S, times_s[stream], scores[stream])
            for stream, start_s in zip(windows.stream, windows.start_s, strict=True)
        ],
        np.float64,
    )
