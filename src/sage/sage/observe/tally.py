"""What was seen of a running graph, counted from outside the nodes that produced it. No ROS."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sage_common.core.clock import NS_PER_S

IN_FLIGHT_NS = NS_PER_S // 2
GAP_PERIODS = 1.5


@dataclass
class Series:
    """Numbers of one kind, and their statistics."""

    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.values.append(value)

    def moments(self) -> dict[str, float | int]:
        """n, mean, std (population) and max; zeros if there are none."""
        if not self.values:
            return {"n": 0, "mean": 0.0, "std": 0.0, "max": 0.0}
        array = np.asarray(self.values)
        return {
            "n": len(array),
            "mean": round(float(array.mean()), 4),
            "std": round(float(array.std()), 4),
            "max": round(float(array.max()), 4),
        }

    def percentiles(self, *ranks: int) -> dict[str, float | None]:
        """Percentiles, `p50` and so on; None if there are no values."""
        if not self.values:
            return {f"p{rank}": None for rank in ranks}
        return {f"p{rank}": round(float(np.percentile(self.values, rank)), 3) for rank in ranks}


@dataclass
class Tally:
    """Counts and series over one run.

    Attributes:
        frame_stamps_ns: stamps of the announced camera frames (camera_info), in order.
        puzzle_stamps_ns: for each modality, stamps of its valid puzzles.
        salience: for each modality, totals of its valid salience messages.
        fused: totals of the valid fused salience messages.
        latency_ms: camera stamp to fused salience published, as measured in the fusion node.
        stages_ms: for each stage, times as measured in the nodes.
        experiences: ids of the experiences that the memory announced.
        spent_atp: compute that each plugin has spent.
        invalid: messages that said they are not valid, by topic.
    """

    frame_stamps_ns: list[int] = field(default_factory=list)
    puzzle_stamps_ns: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    salience: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    fused: Series = field(default_factory=Series)
    latency_ms: Series = field(default_factory=Series)
    stages_ms: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    experiences: list[str] = field(default_factory=list)
    spent_atp: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    invalid: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def frames(self) -> list[int]:
        """Stamps of the frames that are known to have been: announced, or seen as a puzzle.

        Announcements are best effort; one that did not reach the observer is no dropped frame.
        """
        return sorted({*self.frame_stamps_ns, *self.puzzle_stamps_ns["vision"]})

    def frames_dropped(self) -> int:
        """Frames without a vision puzzle, and frames that the source itself skipped.

        Frames before the first puzzle (the graph was starting) and within the last half second
        (still on their way) are not judged.
        """
        return sum(self.frames_lost().values())

    def frames_lost(self) -> dict[str, int]:
        """The dropped frames: `not_encoded`, without a puzzle; `not_announced`, gaps between."""
        encoded = set(self.puzzle_stamps_ns["vision"])
        frames = self.frames()
        if not encoded:
            return {"not_encoded": len(frames), "not_announced": 0}
        first, last = min(encoded), frames[-1] - IN_FLIGHT_NS
        judged = [stamp for stamp in frames if first <= stamp <= last]
        lost = sum(1 for stamp in judged if stamp not in encoded)
        return {"not_encoded": lost, "not_announced": _skipped(judged)}

    def summary(self) -> dict[str, Any]:
        """The counts as they go into the JSON result."""
        return {
            "frames": len(self.frames()),
            "frames_dropped": self.frames_dropped(),
            "frames_lost": self.frames_lost(),
            "puzzles": {
                name: len(stamps) for name, stamps in sorted(self.puzzle_stamps_ns.items())
            },
            "salience": {name: s.moments() for name, s in sorted(self.salience.items())},
            "fused": self.fused.moments(),
            "experiences": len(set(self.experiences)),
            "spent_atp": {name: round(atp, 1) for name, atp in sorted(self.spent_atp.items())},
            "latency_ms": {"camera_to_salience": self.latency_ms.percentiles(50, 95, 99)},
            "stages_ms": {
                name: series.percentiles(50, 95, 99)
                for name, series in sorted(self.stages_ms.items())
            },
        }


def _skipped(stamps_ns: list[int]) -> int:
    """Frames missing from a regular stream, by the gaps between its stamps."""
    if len(stamps_ns) < 3:
        return 0
    gaps = np.diff(np.asarray(stamps_ns))
    period = float(np.median(gaps))
    late = gaps[gaps > GAP_PERIODS * period]
    return int(np.round(late / period - 1.0).sum())
