"""The bench of finding: the patch is where it is said to be, and counted where it is found."""

from __future__ import annotations

import numpy as np

from sage_bench.mailbox import tile_finding
from sage_common.core.tiles import TileGrid, TileView


def plain_frames(count: int) -> list[np.ndarray]:
    """Grey ones, each of another brightness."""
    shape = (tile_finding.HEIGHT, tile_finding.WIDTH, 3)
    return [np.full(shape, 2 * number, np.uint8) for number in range(count)]


def test_the_patch_is_around_its_place_and_moves_inside_of_the_frame() -> None:
    frames = plain_frames(80)
    scene = list(tile_finding._scene(frames, np.random.default_rng(3)))
    assert len(scene) == tile_finding.FRAMES
    places = {(x, y) for _, x, y in scene}
    assert len(places) > tile_finding.FRAMES / 2
    half, unseen = tile_finding.SIDE_PX // 2, 0
    for image, x, y in scene:
        around = image[y - half : y + half, x - half : x + half]
        assert around.shape == (2 * half, 2 * half, 3) and len(np.unique(around)) == 1
        unseen += around[0, 0, 0] == image[(y + 240) % 480, (x + 424) % 848, 0]
    assert unseen <= 1, "in the frame that it was cut out of"


def test_what_moves_through_plain_frames_is_found_and_at_random_a_fifth_of_the_time() -> None:
    frames = plain_frames(80)
    found: dict[str, list[bool]] = {}
    for seed in range(20):
        for method, hit in tile_finding._hits(frames, np.random.default_rng(seed)):
            found.setdefault(method, []).append(hit)
    assert len(found["salience"]) == 20 * (tile_finding.FRAMES - tile_finding.WARM_UP)
    assert np.mean(found["salience"]) > 0.8
    assert 0.1 < np.mean(found["random"]) < 0.3


def test_the_best_fifth_are_three_of_fifteen() -> None:
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    view = TileView(0, "front", TileGrid(848, 480, 3, 5), values / 15, values, values)
    best = [tile_finding._is_among_best(values, divmod(i, 5), view) for i in range(15)]
    assert best == [False] * 12 + [True] * 3
