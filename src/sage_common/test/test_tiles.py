"""Tiles cover the frame, and their records come back as they were, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_common.core.tiles import TILE_RECORD, TileGrid, TileView, view_of

STAMP_NS = 1_700_000_000_000_000_000
sides = st.integers(1, 4000)
grids = st.builds(TileGrid.of, sides, sides, st.integers(32, 1024))


def make_view(grid: TileGrid, seed: int = 0) -> TileView:
    generator = np.random.default_rng(seed)
    numbers = [
        generator.uniform(0.0, high, (grid.rows, grid.columns)).astype(np.float32)
        for high in (1.0, 255.0, 127.0)
    ]
    return TileView(STAMP_NS, "front", grid, *numbers)


@given(grids)
def test_tiles_cover_the_frame_exactly_and_evenly(grid: TileGrid) -> None:
    left, top, width, height = grid.boxes().T
    assert (width * height).sum() == grid.width * grid.height
    for low, size, count, whole in (
        (left, width, grid.columns, grid.width),
        (top, height, grid.rows, grid.height),
    ):
        spans = sorted({(int(a), int(a + b)) for a, b in zip(low, size, strict=True)})
        assert len(spans) == count
        assert [begin for begin, _ in spans] == [0] + [end for _, end in spans[:-1]]
        assert spans[-1][1] == whole
        assert int(size.max()) - int(size.min()) <= 1 and int(size.min()) >= 1


def test_tiles_are_about_as_large_as_asked_for() -> None:
    assert TileGrid.of(848, 480, 160) == TileGrid(848, 480, rows=3, columns=5)
    assert TileGrid.of(1920, 1080, 160) == TileGrid(1920, 1080, rows=7, columns=12)
    assert TileGrid.of(20, 3000, 160) == TileGrid(20, 3000, rows=19, columns=1)


@pytest.mark.parametrize("field", ["width", "height", "tile_px"])
def test_a_side_of_nothing_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        TileGrid.of(**{"width": 10, "height": 10, "tile_px": 10, field: 0})


@given(grids, st.integers(0, 1000))
def test_records_in_any_order_give_the_view_back(grid: TileGrid, seed: int) -> None:
    view = make_view(grid, seed)
    records = np.random.default_rng(seed).permutation(view.records())
    found = view_of(np.frombuffer(records.tobytes(), TILE_RECORD), STAMP_NS, "front")
    assert (found.stamp_ns, found.source, found.grid) == (STAMP_NS, "front", grid)
    for name in ("salience", "change", "contrast"):
        np.testing.assert_array_equal(getattr(found, name), getattr(view, name))


def test_the_layout_is_as_documented() -> None:
    view = make_view(TileGrid(848, 480, 3, 5))
    record = view.records()[7]
    assert record.tobytes() == (
        np.array([1, 2, 3, 5, 339, 160, 169, 160, 848, 480], "<u2").tobytes()
        + np.array([view.salience[1, 2], view.change[1, 2], view.contrast[1, 2]], "<f4").tobytes()
        + np.array([0xFEFB62F6], "<u4").tobytes()  # CRC-32 of "front"
        + bytes(4)
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("salience", 1.5), ("salience", np.nan), ("change", -1.0), ("contrast", np.inf),
        ("left", 3), ("height", 1000), ("source", 1), ("rows", 4), ("frame_width", 100),
        ("column", 1),
    ],
)  # fmt: skip
def test_a_record_that_is_not_as_it_should_be_is_refused(field: str, value: float) -> None:
    records = make_view(TileGrid(848, 480, 3, 5)).records()
    records[field][7] = value
    with pytest.raises(InvalidInput, match=field):
        view_of(records, STAMP_NS, "front")


def test_missing_tiles_and_impossible_grids_are_refused() -> None:
    records = make_view(TileGrid(848, 480, 3, 5)).records()
    for wrong in (records[:-1], records[:0], np.concatenate([records, records])):
        with pytest.raises(InvalidInput, match="records"):
            view_of(wrong, STAMP_NS, "front")
    records["rows"] = 0
    with pytest.raises(InvalidInput, match="rows, columns"):
        view_of(records, STAMP_NS, "front")


@given(st.binary(min_size=600, max_size=600))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        view_of(np.frombuffer(content, TILE_RECORD), STAMP_NS, "front")
