"""What was seen of a running graph, counted from outside the nodes that produced it. No ROS.

Nothing here grows with time: a day takes the memory of a minute.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from sage.observe.frame_ledger import FrameLedger
from sage.observe.highlights import Highlights
from sage.observe.series import Series
from sage.observe.state_times import StateTimes
from sage_common.core.specs.modality import camera_modality

REMEMBERED = 4096


class RecentIds:
    """Counts ids; one of the last 4,096 that comes again counts once."""

    def __init__(self) -> None:
        self.count = 0
        self._newer: set[str] = set()
        self._older: set[str] = set()

    def add(self, identifier: str) -> None:
        """Count an id unless it is remembered."""
        if identifier in self._newer or identifier in self._older:
            return
        if len(self._newer) >= REMEMBERED:
            self._newer, self._older = set(), self._newer
        self._newer.add(identifier)
        self.count += 1


@dataclass
class Tally:
    """Counts and statistics over one run.

    Attributes:
        frames: of the camera: announced (camera_info), and encoded as puzzles.
        puzzles: for each modality, the number of its valid puzzles.
        salience: for each modality, totals of its valid salience messages.
        fused: totals of the valid fused salience messages.
        highlights: the most salient of them.
        latency_ms: camera stamp to fused salience published, as measured in the fusion node.
        stages_ms: for each stage, times as measured in the nodes.
        states: times in the metabolic states.
        experiences: ids of the experiences that the memory announced.
        spent_atp: compute that each plugin has spent.
        refinements: results that each plugin has published, without the failures.
        refinement_failures: runs of each plugin that failed, and why the last one did.
        invalid: messages that said they are not valid, by topic.
        camera_modality: whose puzzles are of the camera's frames; empty: none.
    """

    frames: FrameLedger = field(default_factory=FrameLedger)
    puzzles: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    salience: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    fused: Series = field(default_factory=Series)
    highlights: Highlights = field(default_factory=Highlights)
    latency_ms: Series = field(default_factory=Series)
    stages_ms: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    states: StateTimes = field(default_factory=StateTimes)
    experiences: RecentIds = field(default_factory=RecentIds)
    spent_atp: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    refinements: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refinement_failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    invalid: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    camera_modality: str = field(default_factory=camera_modality)

    def puzzle(self, modality: str, stamp_ns: int, encode_ms: float) -> None:
        """Count a valid puzzle."""
        self.puzzles[modality] += 1
        self.stages_ms[f"{modality}_encode"].add(encode_ms)
        if modality == self.camera_modality:
            self.frames.encoded(stamp_ns)

    def refinement(self, plugin: str, failed: bool, reason: str) -> None:
        """Count a result of a plugin; `reason`: why its run ended."""
        if failed:
            count, _ = self.refinement_failures.get(plugin, (0, ""))
            self.refinement_failures[plugin] = count + 1, reason
        else:
            self.refinements[plugin] += 1

    def summary(self) -> dict[str, Any]:
        """The counts as they go into the JSON result."""
        frames = self.frames.counts()
        return {
            "frames": frames.frames,
            "frames_dropped": frames.dropped,
            "frames_lost": {
                "not_encoded": frames.not_encoded,
                "not_announced": frames.not_announced,
            },
            "puzzles": dict(sorted(self.puzzles.items())),
            "salience": {name: s.moments() for name, s in sorted(self.salience.items())},
            "fused": self.fused.moments(),
            "highlights": [asdict(moment) for moment in self.highlights.best()],
            "states": self.states.summary(),
            "experiences": self.experiences.count,
            "spent_atp": {name: round(atp, 1) for name, atp in sorted(self.spent_atp.items())},
            "refinements": dict(sorted(self.refinements.items())),
            "refinement_failures": {
                plugin: {"count": count, "last": reason}
                for plugin, (count, reason) in sorted(self.refinement_failures.items())
            },
            "latency_ms": {"camera_to_salience": self.latency_ms.percentiles(50, 95, 99)},
            "stages_ms": {
                name: series.percentiles(50, 95, 99)
                for name, series in sorted(self.stages_ms.items())
            },
        }
