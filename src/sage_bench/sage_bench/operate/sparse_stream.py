"""Streams as those of the bench of salience, in which something happens about once a minute."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from sage_bench.salience.streams.schedule import Event, schedule
from sage_bench.salience.streams.sources import Sources
from sage_bench.salience.streams.stream import Stream, sources_of

STREAMS, STREAMS_QUICK = 8, 1
LENGTH_S, QUICK_LENGTH_S = 480.0, 90.0
GAP_S, QUICK_GAP_S = (40.0, 80.0), (15.0, 25.0)
FIRST_SEED = 200
"""No stream looks or sounds like one of the bench of salience."""


class SparseStream(Stream):
    """A stream with long background between two events.

    Args:
        sources, index, length_s: as of `Stream`.
        gap_s: the shortest and the longest background between two events [s].
    """

    def __init__(
        self, sources: Sources, index: int, length_s: float, gap_s: tuple[float, float]
    ) -> None:
        super().__init__(sources, index, length_s)
        self.name = f"{sources.half} sparse {index}"
        self.seed = FIRST_SEED + index
        self._gap_s = gap_s

    @cached_property
    def _plan(self) -> tuple[Event, ...]:
        return schedule(self._random("plan"), self.length_s, gap_s=self._gap_s)


def sparse_streams(half: str, data: Path, quick: bool) -> tuple[Stream, ...]:
    """The streams of a half: 8 of 480 s; `quick`: one of 90 s.

    Raises:
        FileNotFoundError: a recording is missing.
    """
    sources = sources_of(half, data)
    count, length_s, gap_s = STREAMS, LENGTH_S, GAP_S
    if quick:
        count, length_s, gap_s = STREAMS_QUICK, QUICK_LENGTH_S, QUICK_GAP_S
    return tuple(SparseStream(sources, index, length_s, gap_s) for index in range(count))
