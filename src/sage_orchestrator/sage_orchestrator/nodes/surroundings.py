"""What plugins see of the graph, and the threads that they run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.puzzle import Percept
from sage_common.ros.host import ServiceClient, Worker
from sage_common.ros.latest import LatestMessages
from sage_common.ros.latest_pictures import LatestPictures
from sage_common.ros.percepts import percept_of
from sage_common.ros.stamps import stamp_ns
from sage_orchestrator.core.plugin import Memory, Query
from sage_orchestrator.nodes.messages import memories_of, recall_request

RECALL_TIMEOUT_S = 0.5
NEAR_NS = NS_PER_S // 2


class Surroundings:
    """The `Context` of plugins, from kept messages and a service.

    Args:
        puzzles: kept by modality.
        pictures: kept by camera.
        memory: client of memory/recall.
        models_dir: folder of models, or empty.
    """

    def __init__(
        self,
        puzzles: dict[str, LatestMessages],
        pictures: dict[str, LatestPictures],
        memory: ServiceClient,
        models_dir: str,
    ) -> None:
        self._puzzles = puzzles
        self._pictures = pictures
        self._memory = memory
        self.models_dir = models_dir

    def percept(self, modality: str, stamp_ns: int) -> Percept | None:
        message = _near(self._puzzles.get(modality), stamp_ns)
        return percept_of(message) if message is not None and message.valid else None

    def image(self, source: str, stamp_ns: int) -> NDArray[np.uint8] | None:
        kept = self._pictures.get(source)
        still = None if kept is None else kept.nearest(stamp_ns, NEAR_NS)
        return None if still is None else still.rgb()

    def recall(self, query: Query) -> Sequence[Memory]:
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
