"""The samples of a source for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

from sage_sensors.core.samples import Device, SourceError, Stamped, Track

FIRST_WITHIN_S = 6.0
"""USB cameras and sound servers may take seconds to begin."""
T = TypeVar("T")


def samples(
    source: Device[T] | Track[T], length_s: float, warm_up_s: float = 0.0
) -> Iterator[Stamped[T]]:
    """What the source gives within `length_s`, counted from `warm_up_s` after its first sample.

    Raises:
        SourceError: it cannot be opened, gives nothing, or is lost; says why.
    """
    if isinstance(source, Device):
        try:
            source.open()
            yield from _of_device(source, length_s, warm_up_s)
        finally:
            source.close()
        return
    for sample in source.items():
        if sample.time_ns >= (warm_up_s + length_s) * 1e9:
            return
        if sample.time_ns >= warm_up_s * 1e9:
            yield sample


def _of_device(source: Device[T], length_s: float, warm_up_s: float) -> Iterator[Stamped[T]]:
    opened_s, first_s = time.monotonic(), 0.0
    while not first_s or time.monotonic() < first_s + warm_up_s + length_s:
        sample = source.read()
        now_s = time.monotonic()
        if source.polled:
            time.sleep(source.period_s)
        if sample is not None:
            first_s = first_s or now_s
            if now_s >= first_s + warm_up_s:
                yield sample
        elif not first_s and now_s > opened_s + FIRST_WITHIN_S:
            text = f"it opens, but gives nothing within {FIRST_WITHIN_S:g} s"
            raise SourceError(f"{source.source}: {text}")


def rate_hz(stamps_ns: list[int]) -> float:
    """Samples per second by their stamps; 0 for fewer than two."""
    length_ns = stamps_ns[-1] - stamps_ns[0] if len(stamps_ns) > 1 else 0
    return (len(stamps_ns) - 1) / (length_ns / 1e9) if length_ns > 0 else 0.0
