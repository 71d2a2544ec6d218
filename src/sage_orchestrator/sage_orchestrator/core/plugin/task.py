"""What a plugin is given to work on."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.puzzle import Percept


@dataclass(frozen=True)
class Region:
    """A region of attention in an image: pixels of the native image, at least 1 x 1."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Task:
    """What a plugin is to work on.

    Attributes:
        stamp_ns: capture time of the percept or region.
        modality, source: whose.
        salience: [0, 1].
        region: of attention; None if the task is not about an image.
        percept: given with a job by hand; else None, and the plugin asks the context.
    """

    stamp_ns: int
    modality: str
    source: str
    salience: float
    region: Region | None = None
    percept: Percept | None = None
