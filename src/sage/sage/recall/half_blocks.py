"""Pictures in the terminal, two pixels of their height to a line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from sage_memory.backends.payload_pictures import Pixels

PICTURE_PX = 64
"""Longer side of a picture."""


def half_blocks(picture: Pixels, indent: str) -> Iterator[Segment]:
    """A picture, uint8 RGB [height, width, 3], in coloured half blocks."""
    for upper in range(0, len(picture) - 1, 2):
        yield Segment(indent)
        for above, below in zip(picture[upper], picture[upper + 1], strict=True):
            colours = [Color.from_rgb(*(int(value) for value in pixel)) for pixel in (above, below)]
            yield Segment("▀", Style(color=colours[0], bgcolor=colours[1]))
        yield Segment.line()
