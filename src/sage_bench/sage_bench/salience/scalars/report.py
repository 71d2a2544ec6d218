"""What detectors find of streams, by family, and how they rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sage_bench.salience.scalars.detectors.registry import DETECTORS
from sage_bench.salience.scalars.measures import Found, found, ranks
from sage_bench.salience.scalars.scores import RANKED, all_scores
from sage_bench.salience.scalars.stream import LabelledStream

BY_SPAN, BY_SAMPLE, PRECISION = "by_span", "by_sample", "precision"
RANKED_BY = (BY_SPAN, PRECISION)


@dataclass(frozen=True)
class Report:
    """What every detector finds of every stream.

    Attributes:
        streams: in order.
        found: of each stream, by detector; those that are not in `RANKED` stand outside.
    """

    streams: tuple[LabelledStream, ...]
    found: tuple[dict[str, Found], ...]

    @property
    def families(self) -> tuple[str, ...]:
        """Kinds of streams, in order."""
        return tuple(dict.fromkeys(stream.family for stream in self.streams))

    def mean(self, figure: str, detector: str, family: str) -> float:
        """Mean of a figure over the streams of a family."""
        return float(np.mean([getattr(found[detector], figure) for found in self._of(family)]))

    def median(self, figure: str, family: str) -> float:
        """Median over the detectors beside SAGE of their means."""
        return float(np.median([self.mean(figure, name, family) for name in DETECTORS]))

    def rank(self, figure: str, detector: str, family: str) -> float:
        """Mean rank over the streams of a family; 1: always the best."""
        ranked = [
            ranks({name: getattr(found[name], figure) for name in RANKED})[detector]
            for found in self._of(family)
        ]
        return float(np.mean(ranked))

    def mean_rank(self, detector: str, figures: tuple[str, ...] = RANKED_BY) -> float:
        """The same over all families, which count equally, and over figures."""
        pairs = [(figure, family) for figure in figures for family in self.families]
        return float(np.mean([self.rank(figure, detector, family) for figure, family in pairs]))

    def _of(self, family: str) -> list[dict[str, Found]]:
        pairs = zip(self.streams, self.found, strict=True)
        return [found for stream, found in pairs if stream.family == family]


def report(streams: Iterable[LabelledStream]) -> Report:
    """Score streams by every detector, and judge the scores."""
    taken = tuple(streams)
    judged = [
        {name: found(stream, scores) for name, scores in all_scores(stream).items()}
        for stream in taken
    ]
    return Report(taken, tuple(judged))
