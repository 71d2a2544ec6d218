"""Which streams constants may be chosen by, and which only report."""

from __future__ import annotations

from collections.abc import Iterable

from sage_bench.salience.scalars.measures import is_judged
from sage_bench.salience.scalars.stream import LabelledStream, part_of
from sage_bench.salience.streams.sources import DEVELOPMENT, TEST

MOST_STREAMS = 8


def half_of(streams: Iterable[LabelledStream], half: str) -> list[LabelledStream]:
    """Of each family, in order of names, the first stream is for development, the second for test.

    And so on in turn; of each half of a family at most eight streams are taken. Long ones are cut,
    and streams without a labelled span or background after the warm-up left out before.
    """
    families: dict[str, list[LabelledStream]] = {}
    for stream in map(part_of, streams):
        if is_judged(stream):
            families.setdefault(stream.family, []).append(stream)
    first = {DEVELOPMENT: 0, TEST: 1}[half]
    return [
        stream
        for found in families.values()
        for stream in sorted(found, key=lambda stream: stream.name)[first::2][:MOST_STREAMS]
    ]
