"""What plugins see of the graph, and the threads that they run on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.puzzle import Percept
from sage_common.core.synthetic import sensor_name
from sage_common.core.tiles import TileView
from sage_common.ros.conversions.percepts import percept_of
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.host import ServiceClient, Worker
from sage_common.ros.latest import LatestMessages
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.latest_pictures import LatestPictures, Still
from sage_common.ros.tensors.tile_input import TileInput
from sage_common.ros.tensors.tile_output import TILES
from sage_encoders.backends.opencv_resize import sample
from sage_encoders.core.periphery import Periphery
from sage_orchestrator.core.plugin.interface import Memory, NothingToDo, Query
from sage_orchestrator.nodes.messages import memories_of, recall_request
from sage_orchestrator.nodes.tile_channel import TILE_CHANNEL, TileChannel
from sage_orchestrator.params import OrchestratorParameters

RECALL_TIMEOUT_S = 0.5
MEMORY_PATIENCE_NS = 15 * NS_PER_S
"""The processes of a graph start at their own pace; so long no memory is no failure."""
NEAR_NS = NS_PER_S // 2
BEFORE_NS = NS_PER_S // 10
"""Change is measured against the picture so long ago where the peripheral tier is silent."""
KEPT_PUZZLES = 4
KEPT_IMAGES = 3
T = TypeVar("T")


class Capabilities:
    """The `Context` of plugins, from kept messages, mailboxes and a service.

    Args:
        puzzles: kept by modality.
        pictures, tiles: kept by camera.
        channel: of tiles to their encoder.
        memory: client of memory/recall.
        models_dir: folder of models, or empty.
        stopwatch_ns: a clock for the start of the graph; None: all its nodes are there.
    """

    def __init__(
        self,
        puzzles: dict[str, LatestMessages],
        pictures: dict[str, LatestPictures],
        tiles: dict[str, TileInput],
        channel: TileChannel,
        memory: ServiceClient,
        models_dir: str,
        stopwatch_ns: Callable[[], int] | None = None,
    ) -> None:
        self._puzzles = puzzles
        self._pictures = pictures
        self._tiles = tiles
        self._tiles_lock = threading.Lock()
        self._channel = channel
        self._memory = memory
        self._stopwatch_ns = stopwatch_ns
        self._first_asked_ns: int | None = None
        self.models_dir = models_dir

    @classmethod
    def of(cls, node: SageNode, parameters: OrchestratorParameters) -> Capabilities:
        """What a node keeps for its plugins; to be made when it is configured."""
        camera = parameters.camera
        keys = ("camera/tensor", "camera/image_raw")
        return cls(
            {
                m: node.keep_latest("puzzle", KEPT_PUZZLES, modality=m)
                for m in parameters.modalities
            },
            {camera: node.keep_latest_pictures(*keys, KEPT_IMAGES, name=camera)},
            {camera: TileInput(node.mailbox_name(TILES.format(name=camera)), camera)},
            TileChannel(node.mailbox_name(TILE_CHANNEL), node.log),
            node.client("memory/recall"),
            parameters.models_dir,
            node.stopwatch_ns if node.time_is_measured else None,
        )

    def close(self) -> None:
        """Leave the mailboxes, and remove its own."""
        self._channel.close()
        with self._tiles_lock:
            for tiles in self._tiles.values():
                tiles.close()

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        facts = self._channel.facts()
        for name, tiles in self._tiles.items():
            way = f"looks itself ({tiles.fault})" if tiles.fault else "mailbox"
            facts |= {f"periphery {name}": way, f"tiles lost {name}": tiles.lost}
        return facts

    def percept(self, modality: str, stamp_ns: int) -> Percept | None:
        message = _near(self._puzzles.get(modality), stamp_ns)
        return percept_of(message) if message is not None and message.valid else None

    def image(self, source: str, stamp_ns: int) -> NDArray[np.uint8] | None:
        still = self._still(source, stamp_ns)
        return None if still is None else still.rgb()

    def periphery(self, source: str, stamp_ns: int) -> TileView | None:
        with self._tiles_lock:
            tiles = self._tiles.get(sensor_name(source))
            view = None if tiles is None else tiles.nearest(stamp_ns, NEAR_NS)
        return view or self._look_itself(source, stamp_ns)

    def pass_on(
        self,
        draw: Callable[[NDArray[np.uint8]], None],
        stamp_ns: int,
        look: Callable[[NDArray[np.uint8]], T],
    ) -> T:
        return self._channel.pass_on(draw, stamp_ns, look)

    def _await_memory(self, stopwatch_ns: Callable[[], int]) -> None:
        """Have the plugin skip its turn while the memory may still be starting."""
        now_ns = stopwatch_ns()
        if self._first_asked_ns is None:
            self._first_asked_ns = now_ns
        if self._memory.wait(0.0) or now_ns - self._first_asked_ns > MEMORY_PATIENCE_NS:
            self._stopwatch_ns = None  # from here on, no memory is a failure
        else:
            raise NothingToDo("no memory yet")

    def _look_itself(self, source: str, wanted_ns: int) -> TileView | None:
        """What the peripheral tier would have published, from two kept pictures."""
        newest = self._still(source, wanted_ns)
        if newest is None:
            return None
        seen_ns = stamp_ns(newest.header.stamp)
        before = self._still(source, seen_ns - BEFORE_NS)
        core = Periphery(sample)
        if before is not None:
            core.observe(before.rgb(), stamp_ns(before.header.stamp), source)
        return core.observe(newest.rgb(), seen_ns, source)

    def _still(self, source: str, wanted_ns: int) -> Still | None:
        kept = self._pictures.get(sensor_name(source))
        return None if kept is None else kept.nearest(wanted_ns, NEAR_NS)

    def recall(self, query: Query) -> Sequence[Memory]:
        if self._stopwatch_ns is not None:
            self._await_memory(self._stopwatch_ns)
        response = self._memory.call(recall_request(query), RECALL_TIMEOUT_S)
        if not response.success:
            raise RuntimeError(f"memory/recall: {response.message}")
        return memories_of(response)


class PluginWorkers:
    """One worker for each plugin; a new one when its thread hangs.

    Args:
        make: makes a worker of that name.
    """

    def __init__(self, make: Callable[[str], Worker]) -> None:
        self._make = make
        self._workers: dict[str, Worker] = {}

    @property
    def names(self) -> list[str]:
        """Plugins that have a worker, in order of making."""
        return list(self._workers)

    def make(self, names: Sequence[str]) -> None:
        """Make workers for these plugins that have none."""
        for name in names:
            if name not in self._workers:
                self._workers[name] = self._make(f"plugin {name}")

    def submit(self, name: str, job: Callable[[], None]) -> None:
        self.make([name])
        self._workers[name].submit(job)

    def abandon(self, name: str) -> None:
        self._workers.pop(name).abandon()


def _near(kept: LatestMessages | None, wanted_ns: int) -> Any | None:
    """The kept message nearest to a time, if it is near enough."""
    message = None if kept is None else kept.nearest(wanted_ns)
    if message is None or abs(stamp_ns(message.header.stamp) - wanted_ns) > NEAR_NS:
        return None
    return message
