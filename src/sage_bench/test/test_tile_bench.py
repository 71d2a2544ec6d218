"""The bench of both tiers: the same tiles are looked at on both ways, and none is counted twice."""

from __future__ import annotations

import numpy as np
import pytest

from sage_bench.mailbox import tile_rows

pytest.importorskip("sage_cuda_mailbox._native", reason="sage_cuda_mailbox is not built here")


class Encoder:
    """Remembers the tiles."""

    def __init__(self) -> None:
        self.tiles: list[bytes] = []

    def __call__(self, tile: np.ndarray) -> None:
        assert tile.shape == (224, 224, 3)
        self.tiles.append(tile.tobytes())


def moving_scene(count: int) -> list[np.ndarray]:
    scene = np.random.default_rng(0).integers(100, 120, (480, 848, 3), dtype=np.uint8)
    frames = []
    for number in range(count):
        frame = scene.copy()
        frame[40:120, 40 + 60 * number : 120 + 60 * number] = 255
        frames.append(frame)
    return frames


def test_both_ways_look_at_the_same_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_rows, "CYCLE_ATP", 1e6)  # enough for all, whatever a look costs
    encoder = Encoder()
    ours, arrays = tile_rows.compare(moving_scene(8), encoder)
    assert (ours.channel.in_arrays, arrays.channel.in_slots) == (0, 0)
    assert ours.channel.in_slots == len(ours.costs_atp) > 8
    assert ours.channel.in_slots == arrays.channel.in_arrays
    assert len(encoder.tiles) == 2 * ours.channel.in_slots
    assert {encoder.tiles.count(tile) % 2 for tile in set(encoder.tiles)} == {0}
    assert ours.spent.tiles == arrays.spent.tiles == 8 * 15
    assert 0 < ours.spent.looks <= ours.channel.in_slots
    rows = {row.name: row for row in tile_rows._rows_of("848x480", ours, arrays)}
    looks = [rows[f"two tiers at 848x480, K, looks that {atp} ATP pay for"].value
             for atp in (250, 500, 1000)]  # fmt: skip
    assert looks == sorted(looks)
    path = rows["two tiers at 848x480, tiles looked at, whole path on one thread"]
    assert path.value > 0 and path.baselines["by arrays"] > 0
