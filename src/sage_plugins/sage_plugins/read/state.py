"""What was read so far."""

from __future__ import annotations

from dataclasses import dataclass

from sage_encoders.backends.reading.text_detector import TextLine
from sage_encoders.backends.reading.text_recogniser import Reading
from sage_plugins.squares import Pixels


@dataclass(frozen=True)
class ReadLine:
    """A line and what it says."""

    line: TextLine
    reading: Reading


@dataclass(frozen=True)
class ReadState:
    """What was read so far.

    Attributes:
        stamp_ns: of the picture.
        piece: what is attended with its surroundings, RGB uint8 [H, W, 3].
        place: left and top of the piece in the native picture [px].
        waiting: lines that were found and not read, the most probable first.
        read: the others, in the order in which they were read.
    """

    stamp_ns: int
    piece: Pixels
    place: tuple[int, int]
    waiting: tuple[TextLine, ...]
    read: tuple[ReadLine, ...] = ()

    @property
    def wrong(self) -> float:
        """Mean probability that a line is wrong, [0, 1]; 1 of lines that were not read; 0 where
        there is no text."""
        lines = len(self.waiting) + len(self.read)
        right = sum(item.reading.probability for item in self.read)
        return 1.0 - right / lines if lines else 0.0

    def lines(self, least_probability: float) -> list[ReadLine]:
        """What was read with at least that probability of being right, as people read: from top
        to bottom, and what is beside each other from left to right."""
        kept = [r for r in self.read if r.reading.probability >= least_probability]
        rows: list[list[ReadLine]] = []
        for item in sorted(kept, key=lambda item: _middle(item, 1)):
            if rows and _middle(item, 1) - _middle(rows[-1][0], 1) < _height(rows[-1][0]) / 2:
                rows[-1].append(item)
            else:
                rows.append([item])
        return [item for row in rows for item in sorted(row, key=lambda item: _middle(item, 0))]


def _middle(item: ReadLine, axis: int) -> float:
    return float(item.line.corners[:, axis].mean())


def _height(item: ReadLine) -> float:
    return float(item.line.corners[:, 1].max() - item.line.corners[:, 1].min())
