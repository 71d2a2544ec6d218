"""Which camera frames came through as puzzles, counted in constant memory. No ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sage_common.core.clock import NS_PER_S

IN_FLIGHT_NS = NS_PER_S // 2
GAP_PERIODS = 1.5
# Messages that are older are refused on arrival: the puzzle of such a frame comes no more.
UNDECIDED_NS = 11 * NS_PER_S
FEWEST_UNDECIDED, MOST_UNDECIDED = 64, 4096
SETTLED_AT_ONCE = 16


@dataclass(frozen=True)
class FrameCounts:
    """What became of the frames.

    Attributes:
        frames: known to have been: announced, or seen as a puzzle.
        not_encoded: of the judged ones, those without a puzzle.
        not_announced: frames that the source itself skipped, by the gaps between stamps.
    """

    frames: int = 0
    not_encoded: int = 0
    not_announced: int = 0

    @property
    def dropped(self) -> int:
        return self.not_encoded + self.not_announced


class FrameLedger:
    """Counts frames by their stamps [ns]; only those of the last seconds are held one by one.

    Announcements are best effort; one that did not reach the observer is no dropped frame. Not
    judged are frames within the last half second (still on their way) and those before the first
    puzzle (the graph was starting, or the observer had not found it yet). While there is no
    puzzle at all, frames older than 11 s are judged.
    """

    def __init__(self) -> None:
        self._encoded: dict[int, bool] = {}
        self._settled = FrameCounts()
        self._settle_at = FEWEST_UNDECIDED + SETTLED_AT_ONCE
        self._lost_unheard = 0  # settled as not encoded before there was any puzzle
        self._newest_ns: int | None = None
        self._first_ns: int | None = None
        self._last_settled_ns: int | None = None

    def announced(self, stamp_ns: int) -> None:
        """A frame was announced (camera_info)."""
        self._note(stamp_ns, False)

    def encoded(self, stamp_ns: int) -> None:
        """A frame was seen as a puzzle."""
        self._note(stamp_ns, True)
        if self._first_ns is None:
            lost = self._settled.not_encoded - self._lost_unheard
            self._settled = replace(self._settled, not_encoded=lost)
            self._first_ns, self._lost_unheard = stamp_ns, 0
        self._first_ns = min(self._first_ns, stamp_ns)

    def counts(self) -> FrameCounts:
        """What is known now."""
        stamps = sorted(self._encoded)
        return self._with(stamps, stamps)

    def _note(self, stamp_ns: int, encoded: bool) -> None:
        if self._newest_ns is None or self._newest_ns - stamp_ns > UNDECIDED_NS:
            self._begin(stamp_ns)
        elif self._last_settled_ns is not None and stamp_ns <= self._last_settled_ns:
            return
        assert self._newest_ns is not None
        self._newest_ns = max(self._newest_ns, stamp_ns)
        self._encoded[stamp_ns] = encoded or self._encoded.get(stamp_ns, False)
        if len(self._encoded) >= self._settle_at:
            self._settle_old()

    def _begin(self, stamp_ns: int) -> None:
        """The first stamp of all, or of a clock that has gone back."""
        self._settle(len(self._encoded))
        self._newest_ns, self._first_ns, self._last_settled_ns = stamp_ns, None, None
        self._lost_unheard = 0

    def _settle_old(self) -> None:
        assert self._newest_ns is not None
        oldest_kept_ns = self._newest_ns - UNDECIDED_NS
        old = sum(1 for stamp in self._encoded if stamp < oldest_kept_ns)
        held = len(self._encoded)
        self._settle(max(min(old, held - FEWEST_UNDECIDED), held - MOST_UNDECIDED))
        self._settle_at = min(len(self._encoded), MOST_UNDECIDED) + SETTLED_AT_ONCE

    def _settle(self, count: int) -> None:
        """Judge the oldest `count` frames for good, and hold them no more."""
        stamps = sorted(self._encoded)
        settled = stamps[:count]
        if not settled:
            return
        before, self._settled = self._settled, self._with(stamps, settled)
        if self._first_ns is None:
            self._lost_unheard += self._settled.not_encoded - before.not_encoded
        self._last_settled_ns = settled[-1]
        for stamp in settled:
            del self._encoded[stamp]

    def _with(self, stamps: list[int], chosen: list[int]) -> FrameCounts:
        """The settled counts and those of the `chosen` first of `stamps`."""
        if self._newest_ns is None:
            return self._settled
        first_ns = self._first_ns if self._first_ns is not None else 0
        wait_ns = UNDECIDED_NS if self._first_ns is None else IN_FLIGHT_NS
        judged = [s for s in chosen if first_ns <= s <= self._newest_ns - wait_ns]
        before = self._last_settled_ns
        row = [before, *judged] if before is not None and before >= first_ns else judged
        settled = self._settled
        return FrameCounts(
            settled.frames + len(chosen),
            settled.not_encoded + sum(1 for stamp in judged if not self._encoded[stamp]),
            settled.not_announced + _skipped(row, stamps),
        )


def _skipped(judged: list[int], stamps: list[int]) -> int:
    """Frames missing between the judged ones, if `stamps` is a regular stream."""
    if len(stamps) < 3 or len(judged) < 2:
        return 0
    period = float(np.median(np.diff(np.asarray(stamps))))
    gaps = np.diff(np.asarray(judged))
    late = gaps[gaps > GAP_PERIODS * period]
    return int(np.round(late / period - 1.0).sum())
