"""What was looked at so far."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.puzzle import Percept
from sage_orchestrator.core.plugin import Budget, Region
from sage_plugins.squares import Pixels, Square
from sage_plugins.tile_choice import Tile

ALL_SEEN = 0.02


@dataclass(frozen=True)
class TileLook:
    """A tile of the periphery that was looked at: the square around it, encoded."""

    tile: Tile
    square: Square
    percept: Percept


@dataclass(frozen=True)
class LookState:
    """What was looked at so far.

    Attributes:
        image: native RGB uint8 [H, W, 3].
        region: of attention, inside the image.
        tile: square around the region seen last.
        first, percept: the encoded whole and the encoded tile.
        missing: [0, 1] part of the region's detail that the tile's pixels are too coarse to show.
        around: tiles of the periphery that stand out, best first, but for those in the region.
        affordable: K, how many of them there is budget for; None: the region is not seen yet.
        looks: at the best tiles, in order.
        budget: of the run.
        spent_atp: before this look.
    """

    image: Pixels
    region: Region
    tile: Square
    first: Percept
    percept: Percept
    missing: float
    around: tuple[Tile, ...]
    budget: Budget
    affordable: int | None = None
    looks: tuple[TileLook, ...] = ()
    spent_atp: float = 0.0

    @property
    def sees_region(self) -> bool:
        """Whether a closer look at the region would show no more."""
        closest = max(self.region.width, self.region.height, 1)
        return self.missing <= ALL_SEEN or self.tile[2] <= closest

    @property
    def unseen(self) -> float:
        """[0, 1] part of the salience around that was not looked at."""
        whole = sum(tile.salience for tile in self.around)
        seen = sum(look.tile.salience for look in self.looks)
        return 1.0 - seen / whole if whole else 0.0
