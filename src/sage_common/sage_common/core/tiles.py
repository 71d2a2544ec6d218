"""Tiles of a frame, and what is seen of all of them coarsely; as records of 40 bytes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

TILE_PX = 160
"""Side of a tile, about: at most what an encoder sees at 224 px without loss."""
RECORD_TYPE = 0x5401
"""`type` of the records in a mailbox: tiles ("T"), layout 1."""
TILE_RECORD = np.dtype(
    [
        *((name, "<u2") for name in (
            "row", "column", "rows", "columns", "left", "top", "width", "height",
            "frame_width", "frame_height",
        )),
        *((name, "<f4") for name in ("salience", "change", "contrast")),
        ("source", "<u4"), ("reserved", "<u4"),
    ]
)  # fmt: skip
"""One tile. Row and column, of so many; box and frame [px]; salience [0, 1]; change and contrast
[grey levels of 255]; CRC-32 of the source's name; 0. 40 bytes, little endian."""


@dataclass(frozen=True)
class TileGrid:
    """An even division: neighbouring rows, and columns, differ by one pixel at most.

    Attributes:
        width, height: of the frame [px].
        rows, columns: of tiles.
    """

    width: int
    height: int
    rows: int
    columns: int

    @classmethod
    def of(cls, width: int, height: int, tile_px: int = TILE_PX) -> TileGrid:
        """The division of a frame into tiles of about `tile_px`, at least one.

        Raises:
            InvalidInput: a side below 1 px.
        """
        for field, value in (("width", width), ("height", height), ("tile_px", tile_px)):
            if value < 1:
                raise InvalidInput(field, value, "at least 1 px")
        return cls(width, height, max(1, round(height / tile_px)), max(1, round(width / tile_px)))

    def boxes(self) -> NDArray[np.int64]:
        """Left, top, width, height of each tile [px], int64 [rows * columns, 4], row by row."""
        xs = np.arange(self.columns + 1) * self.width // self.columns
        ys = np.arange(self.rows + 1) * self.height // self.rows
        left, top = np.meshgrid(xs[:-1], ys[:-1])
        width, height = np.meshgrid(np.diff(xs), np.diff(ys))
        return np.stack([left, top, width, height], axis=-1).reshape(-1, 4)


@dataclass(frozen=True)
class TileView:
    """What the peripheral tier saw of a frame: a few numbers for each tile.

    Attributes:
        stamp_ns: capture time of the frame.
        source: camera.
        grid: the tiles.
        salience: [0, 1], float32 [rows, columns].
        change, contrast: [grey levels], float32 [rows, columns].
    """

    stamp_ns: int
    source: str
    grid: TileGrid
    salience: NDArray[np.float32]
    change: NDArray[np.float32]
    contrast: NDArray[np.float32]

    def records(self) -> NDArray[np.void]:
        """One record for each tile, TILE_RECORD [rows * columns], row by row."""
        records: NDArray[np.void] = _blank_records(self.grid, self.source).copy()
        for field in ("salience", "change", "contrast"):
            records[field] = getattr(self, field).ravel()
        return records


@lru_cache(maxsize=8)
def _blank_records(grid: TileGrid, source: str) -> NDArray[np.void]:
    """What is the same in the records of all frames."""
    records = np.zeros(grid.rows * grid.columns, TILE_RECORD)
    records["row"], records["column"] = np.divmod(np.arange(len(records)), grid.columns)
    records["rows"], records["columns"] = grid.rows, grid.columns
    for field, values in zip(("left", "top", "width", "height"), grid.boxes().T, strict=True):
        records[field] = values
    records["frame_width"], records["frame_height"] = grid.width, grid.height
    records["source"] = source_mark(source)
    return records


def source_mark(source: str) -> int:
    """How records name a camera: CRC-32 of its name in UTF-8."""
    return zlib.crc32(source.encode())


def view_of(records: NDArray[np.void], stamp_ns: int, source: str) -> TileView:
    """The view that records of one frame make up.

    Args:
        records: TILE_RECORD [rows * columns], in any order.
        stamp_ns: of the frame.
        source: camera that they must be of.

    Raises:
        InvalidInput: naming the field at fault; records of tiles are missing or come twice.
    """
    if not len(records):
        raise InvalidInput("records", 0, "one for each tile of the frame")
    first = records[0]
    grid = TileGrid(*(int(first[f]) for f in ("frame_width", "frame_height", "rows", "columns")))
    if not (1 <= grid.columns <= grid.width and 1 <= grid.rows <= grid.height):
        raise InvalidInput("rows, columns", (grid.rows, grid.columns), "1 to one for each pixel")
    count = grid.rows * grid.columns
    if len(records) != count:
        raise InvalidInput("records", len(records), f"{count}: one for each tile")
    ordered = records[np.lexsort((records["column"], records["row"]))]
    view = TileView(stamp_ns, source, grid, *(
        np.array(ordered[field], np.float32).reshape(grid.rows, grid.columns)
        for field in ("salience", "change", "contrast")
    ))  # fmt: skip
    _check(view, ordered)
    return view


def _check(view: TileView, ordered: NDArray[np.void]) -> None:
    """Every field must be as the view itself would write it, and the numbers in their ranges."""
    for field, values in (
        ("salience", view.salience), ("change", view.change), ("contrast", view.contrast)
    ):  # fmt: skip
        high = 1.0 if field == "salience" else 255.0
        if not (float(values.min()) >= 0.0 and float(values.max()) <= high):
            raise InvalidInput(field, float(values.max()), f"numbers from 0 to {high:g}")
    expected = view.records()
    if ordered.tobytes() == expected.tobytes():
        return
    for field in TILE_RECORD.names or ():
        if not np.array_equal(ordered[field], expected[field]):
            wrong = int(np.flatnonzero(ordered[field] != expected[field])[0])
            raise InvalidInput(field, ordered[field][wrong].item(), f"{expected[field][wrong]}")
