"""A place that is known by name: where it is, and how far it reaches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedPlace:
    """A place with its area.

    Attributes:
        name: as people say it, without an article.
        frame: of the centre.
        centre: x, y, z [m].
        radius_m: of the area, greater than 0 [m].
    """

    name: str
    frame: str
    centre: tuple[float, float, float]
    radius_m: float
