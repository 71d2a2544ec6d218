"""Two tiers of sight on one thread: from a frame to its best tiles encoded, through mailboxes."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_common.core.clock import NS_PER_S
from sage_common.core.tiles import TileView
from sage_common.ros.tensors.tile_input import TileInput
from sage_common.ros.tensors.tile_output import TileOutput
from sage_encoders.backends.opencv_resize import resize, sample
from sage_encoders.core.periphery import Periphery
from sage_encoders.core.vision import MODEL, VisionEncoder
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.budget.meter import MeasuredMeter
from sage_orchestrator.core.plugin import Region
from sage_orchestrator.nodes.tile_channel import TileChannel
from sage_plugins.squares import Pixels, draw, square_around
from sage_plugins.tile_choice import Tile, affordable_looks, worthy_tiles

VIDEO = Path("video/gopro_max_walk.mp4")
SIZES = ((848, 480), (1920, 1080))
PERIOD_NS = NS_PER_S // 10
EVERY = 3
FRAMES, FRAMES_QUICK, WARM_UP = 60, 15, 4
BUDGETS_ATP = (250.0, 500.0, 1000.0)
CYCLE_ATP = 1000.0
CAMERA = "front"
NOTE = (
    "two tiers: a walk at 10 frames/s, scaled to 1080p; of the tiles that stand out, as many are "
    "looked at as a whole cycle of 1000 ATP pays for at the measured cost; by arrays: the same "
    "work without mailboxes, frame by frame in turn"
)
Encode = Callable[[Pixels], object]


class Log:
    """Mailboxes that cannot be had are an error here."""

    def warning(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        raise RuntimeError(text)

    info = error = warning


@dataclass
class Spent:
    """What one way took: wall time [s] of both tiers, frame by frame, and tiles."""

    periphery_s: list[float] = field(default_factory=list)
    focus_s: list[float] = field(default_factory=list)
    tiles: int = 0
    looks: int = 0

    @property
    def looks_per_s(self) -> float:
        return self.looks / (sum(self.periphery_s) + sum(self.focus_s))

    @property
    def tiles_per_s(self) -> float:
        return self.tiles / sum(self.periphery_s)


class TwoTiers:
    """Both tiers, as the graph has them.

    Args:
        mailbox_name: of both mailboxes, which get results; empty: everything goes by arrays.
        encode: the focus encoder.
    """

    def __init__(self, mailbox_name: str, encode: Encode) -> None:
        tiles, channel = (
            f"{mailbox_name}.{end}" if mailbox_name else "" for end in ("tiles", "channel")
        )
        self._periphery = Periphery(sample)
        self._output, self._input = TileOutput(tiles, Log()), TileInput(tiles, CAMERA)
        self.channel = TileChannel(channel, Log())
        self._has_mailbox = self._output.open()
        self._encode = encode
        self._meter = MeasuredMeter(time.monotonic_ns)
        self.costs_atp: list[float] = []
        self.spent = Spent()

    def see(self, image: Pixels, stamp_ns: int, budget_atp: float) -> None:
        """One frame through both tiers."""
        begin = time.perf_counter()
        view = self._seen_coarsely(image, stamp_ns)
        between = time.perf_counter()
        tiles = worthy_tiles(view, Region(0, 0, 1, 1))
        count = affordable_looks(budget_atp, self.look_atp) if self.costs_atp else len(tiles)
        for tile in tiles[:count]:
            self._look(image, tile, stamp_ns)
        self.spent.periphery_s.append(between - begin)
        self.spent.focus_s.append(time.perf_counter() - between)
        self.spent.tiles += view.salience.size
        self.spent.looks += len(tiles[:count])

    @property
    def look_atp(self) -> float:
        """What a look costs, the median so far."""
        return float(np.median(self.costs_atp[-100:]))

    def close(self) -> None:
        self._input.close()
        self._output.close()
        self.channel.close()

    def _seen_coarsely(self, image: Pixels, stamp_ns: int) -> TileView:
        view = self._periphery.observe(image, stamp_ns, CAMERA)
        if not self._has_mailbox:
            return view
        self._output.publish(view)
        found = self._input.nearest(stamp_ns, 0)
        if found is None:
            raise RuntimeError(f"tiles did not come: {self._input.fault}")
        return found

    def _look(self, image: Pixels, tile: Tile, stamp_ns: int) -> None:
        mark = self._meter.start("look")
        height, width = image.shape[:2]
        side = max(tile.region.width, tile.region.height)
        square = square_around(tile.region, side, width, height)
        self.channel.pass_on(partial(draw, image, square), stamp_ns, self._encode)
        self.costs_atp.append(to_atp(self._meter.cost_ns(mark, 0)))


def rows(setting: Setting) -> Figures:
    """Tiles a second of both tiers at two sizes, and how many looks a budget pays for."""
    encoder = VisionEncoder(setting.open(MODEL), resize)
    count = FRAMES_QUICK if setting.quick else FRAMES
    frames = list(itertools.islice(_frames(setting), count))
    found: list[Row] = []
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for width, height in SIZES:
            size = f"{width}x{height}"
            scaled = [np.asarray(cv2.resize(f, (width, height)), np.uint8) for f in frames]
            found += _rows_of(size, *compare(scaled, encoder.embed))
    finally:
        cv2.setNumThreads(threads)
    return Figures(tuple(found), (NOTE,))


def compare(frames: list[NDArray[np.uint8]], encode: Encode) -> tuple[TwoTiers, TwoTiers]:
    """Both ways over the same frames, in turn: through mailboxes, and by arrays."""
    ways = TwoTiers(f"bench.{os.getpid()}", encode), TwoTiers("", encode)
    try:
        for number, image in enumerate(frames[:WARM_UP] + frames):
            if number == WARM_UP:
                for way in ways:
                    way.spent = Spent()
            for way in ways[:: 1 if number % 2 else -1]:
                image.max()  # in the cache, as it is after the puzzle was made of it
                way.see(image, number * PERIOD_NS, CYCLE_ATP)
    finally:
        for way in ways:
            way.close()
    return ways


def _rows_of(size: str, ours: TwoTiers, arrays: TwoTiers) -> Iterator[Row]:
    head, samples = f"two tiers at {size}", ours.spent.looks
    beside = "by arrays"
    name = f"{head}, tiles looked at, whole path on one thread"
    yield Row(name, ours.spent.looks_per_s, "1/s", None, "higher",
              {beside: arrays.spent.looks_per_s}, samples)  # fmt: skip
    name = f"{head}, tiles scanned and published, peripheral tier"
    yield Row(name, ours.spent.tiles_per_s, "1/s", None, "higher",
              {beside: arrays.spent.tiles_per_s}, ours.spent.tiles)  # fmt: skip
    one_ms, other_ms = ([s * 1e3 for s in way.spent.periphery_s] for way in (ours, arrays))
    yield row_of_samples(f"{head}, peripheral tier, one frame", one_ms, "ms",
                         baselines={beside: float(np.median(other_ms))})  # fmt: skip
    yield row_of_samples(f"{head}, a look, from the frame to the embedding", ours.costs_atp, "ATP",
                         baselines={beside: arrays.look_atp})  # fmt: skip
    for budget_atp in BUDGETS_ATP:
        name = f"{head}, K, looks that {budget_atp:g} ATP pay for"
        looks = affordable_looks(budget_atp, float(np.median(ours.costs_atp)))
        yield Row(name, looks, "tiles", None, "higher", samples=samples)


def _frames(setting: Setting) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(setting.file(VIDEO))) as container:
        for frame in itertools.islice(container.decode(video=0), 0, None, EVERY):
            yield frame.to_ndarray(format="rgb24")
