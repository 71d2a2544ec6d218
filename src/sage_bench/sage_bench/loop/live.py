"""The whole graph on ROS 2 for a while."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from sage.graph.description import GraphOptions, describe
from sage.observe.series import Series
from sage.run.session import RunOptions, Session
from sage_bench.loop import budgets


@dataclass(frozen=True)
class Lived:
    """What one live run showed.

    Attributes:
        latency_ms: camera stamp to fused salience, in order.
        taken: what each process took; see `ProcessUse.taken`.
        refinements: runs of each plugin.
    """

    latency_ms: list[float]
    start_s: float
    pss_mb: float
    frames: int
    dropped: int
    taken: Mapping[str, Mapping[str, float]]
    refinements: Mapping[str, int]


class KeptSeries(Series):
    """A series that keeps its numbers: a bench is short."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def add(self, value: float) -> None:
        super().add(value)
        self.values.append(value)


def live(seconds: float, composed: bool, config: str = "") -> Lived:
    """Run it on the recording; `config`: a parameter file."""
    kept, use = KeptSeries(), budgets.ProcessUse()

    def keep(session: Session) -> None:
        session.observer.tally.latency_ms = kept
        use.tick(session)

    with tempfile.TemporaryDirectory() as home, open(os.devnull, "wb") as log:
        graph = describe(GraphOptions(home=home, resume=False, config=config))
        options = RunOptions(composed=composed, duration_s=seconds, log_level="warn", log=log)
        session = Session(graph, options)
        session.on_tick = keep
        told = session.run()
    return Lived(
        kept.values,
        told["start_s"],
        told["pss_mb"],
        told["frames"],
        told["frames_dropped"],
        use.taken(),
        told["refinements"],
    )
