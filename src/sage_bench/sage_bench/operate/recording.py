"""What a recording of the salient moments keeps of a full one: bytes, and labelled events."""

from __future__ import annotations

from sage_bench.encoders.section import Figures, Setting


def rows(setting: Setting) -> Figures:
    """Share of the bytes, and of the events, beside as many seconds at random times."""
    return Figures()
