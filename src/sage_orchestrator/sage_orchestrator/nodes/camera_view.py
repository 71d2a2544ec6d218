"""What one camera of the graph offers to plugins: pictures, what stands out in them, and tiles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.synthetic import sensor_name
from sage_common.core.tiles import TileView
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.latest_pictures import LatestPictures, Still
from sage_common.ros.tensors.tile_input import TileInput
from sage_common.ros.tensors.tile_output import TILES
from sage_encoders.backends.opencv_resize import sample
from sage_encoders.core.periphery import Periphery
from sage_orchestrator.nodes.tile_channel import TILE_CHANNEL, TileChannel

NEAR_NS = NS_PER_S // 2
BEFORE_NS = NS_PER_S // 10
"""Change is measured against the picture so long ago where the peripheral tier is silent."""
KEPT_IMAGES = 3


class CameraView:
    """What one camera sees: kept pictures, what stands out in them, and tiles to the encoder.

    Args:
        pictures: kept.
        tiles: from the peripheral tier.
        channel: of tiles to their encoder.
        name: of the camera.
    """

    def __init__(
        self, pictures: LatestPictures, tiles: TileInput, channel: TileChannel, name: str
    ) -> None:
        self._pictures = pictures
        self._tiles = tiles
        self._tiles_lock = threading.Lock()
        self._channel = channel
        self._name = name

    @classmethod
    def of(cls, node: SageNode, camera: str) -> CameraView:
        """That of a camera of the graph; to be made when the node is configured."""
        keys = ("camera/tensor", "camera/image_raw")
        return cls(
            node.keep_latest_pictures(*keys, KEPT_IMAGES, name=camera),
            TileInput(node.mailbox_name(TILES.format(name=camera)), camera),
            TileChannel(node.mailbox_name(TILE_CHANNEL), node.log),
            camera,
        )

    def offered(self) -> dict[str, Callable[..., Any]]:
        """Its capabilities by name."""
        return {"frames": self.frame, "periphery": self.periphery, "tiles": self._channel.pass_on}

    def frame(self, source: str, stamp_ns: int) -> NDArray[np.uint8] | None:
        """See `capabilities.Frames`."""
        still = self._still(source, stamp_ns)
        return None if still is None else still.rgb()

    def periphery(self, source: str, stamp_ns: int) -> TileView | None:
        """See `capabilities.PeripheryViews`."""
        with self._tiles_lock:
            is_ours = sensor_name(source) == self._name
            view = self._tiles.nearest(stamp_ns, NEAR_NS) if is_ours else None
        return view or self._scan_pictures(source, stamp_ns)

    def close(self) -> None:
        """Leave the mailboxes, and remove its own."""
        self._channel.close()
        with self._tiles_lock:
            self._tiles.close()

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        way = f"looks itself ({self._tiles.fault})" if self._tiles.fault else "mailbox"
        lost = {f"periphery {self._name}": way, f"tiles lost {self._name}": self._tiles.lost}
        return {**self._channel.facts(), **lost}

    def _scan_pictures(self, source: str, wanted_ns: int) -> TileView | None:
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
        is_ours = sensor_name(source) == self._name
        return self._pictures.nearest(wanted_ns, NEAR_NS) if is_ours else None
