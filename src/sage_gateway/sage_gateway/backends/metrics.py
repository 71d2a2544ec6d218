"""Figures as OpenMetrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from sage_gateway.core.ports import Figure

CONTENT_TYPE = CONTENT_TYPE_LATEST
MOST_SERIES = 500


class _Figures(Collector):
    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        few = islice(self._figures, MOST_SERIES)
        for (name, doc), family in groupby(few, key=lambda figure: (figure.name, figure.doc)):
            samples = list(family)
            made = GaugeMetricFamily(name, doc, labels=list(samples[0].labels))
            for sample in samples:
                made.add_metric(list(sample.labels.values()), sample.value)
            yield made


def exposition(figures: Iterable[Figure]) -> bytes:
    """The first 500 figures as OpenMetrics; those of one name must come together."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(list(figures)))
    return generate_latest(registry)
