"""The capabilities that the node offers to plugins, each from a provider of the graph."""

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
from sage_common.ros.latest import LatestMessages
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.latest_pictures import LatestPictures, Still
from sage_common.ros.tensors.tile_input import TileInput
from sage_common.ros.tensors.tile_output import TILES
from sage_encoders.backends.opencv_resize import sample
from sage_encoders.core.periphery import Periphery
from sage_msgs.srv import Embed
from sage_orchestrator.core.plugin import HeardUtterance, ModelLease, TextEmbedding
from sage_orchestrator.nodes.memory_client import MemoryClient
from sage_orchestrator.nodes.tile_channel import TILE_CHANNEL, TileChannel
from sage_orchestrator.params import OrchestratorParameters

EMBED_TIMEOUT_S = 1.0
NEAR_NS = NS_PER_S // 2
BEFORE_NS = NS_PER_S // 10
"""Change is measured against the picture so long ago where the peripheral tier is silent."""
KEPT_PUZZLES = 4
KEPT_IMAGES = 3
KEPT_UTTERANCES = 16
T = TypeVar("T")


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


class Capabilities:
    """What plugins may use of the graph; to be made when `node` is configured."""

    def __init__(self, node: SageNode, parameters: OrchestratorParameters) -> None:
        self._puzzles = {
            m: node.keep_latest("puzzle", KEPT_PUZZLES, modality=m) for m in parameters.modalities
        }
        self._utterances = node.keep_latest("text", KEPT_UTTERANCES)
        self._camera = CameraView.of(node, parameters.camera) if parameters.camera else None
        stopwatch = node.stopwatch_ns if node.time_is_measured else None
        self._memory = MemoryClient(node.client("memory/recall"), stopwatch)
        self._language = node.client("language/embed")
        self._models_dir = parameters.models_dir

    def offered(self) -> dict[str, Callable[..., Any]]:
        """All capabilities by name."""
        return {
            "percepts": self.percept,
            "recall": self._memory.recall,
            "embed_text": self.embed_text,
            "utterances": self.utterances,
            "model_session": self.model_session,
            **({} if self._camera is None else self._camera.offered()),
        }

    def close(self) -> None:
        """Leave the mailboxes."""
        if self._camera is not None:
            self._camera.close()

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        return {} if self._camera is None else self._camera.facts()

    def percept(self, modality: str, stamp_ns: int) -> Percept | None:
        """See `capabilities.Percepts`."""
        message = _near(self._puzzles.get(modality), stamp_ns)
        return percept_of(message) if message is not None and message.valid else None

    def utterances(self, start_ns: int, end_ns: int) -> Sequence[HeardUtterance]:
        """See `capabilities.Utterances`."""
        return [
            HeardUtterance(stamp_ns(m.header.stamp), m.text, m.speaker, float(m.confidence))
            for m in self._utterances.between(start_ns, end_ns)
        ]

    def embed_text(self, text: str) -> TextEmbedding:
        """See `capabilities.EmbedText`."""
        response = self._language.call(Embed.Request(text=text), EMBED_TIMEOUT_S)
        if not response.success:
            raise RuntimeError(f"language/embed: {response.message}")
        return TextEmbedding(np.array(response.embedding, np.float32), response.encoder_id)

    def model_session(self, name: str, precision: str = "auto") -> ModelLease:
        """See `capabilities.ModelSessions`."""
        # Imported on first use: the node starts, and others run, without the model's runtime.
        from sage_encoders.backends.model_registry import REGISTRY
        from sage_encoders.backends.models_folder import models_folder

        return REGISTRY.open(name, models_folder(self._models_dir), precision)


def _near(kept: LatestMessages | None, wanted_ns: int) -> Any | None:
    """The kept message nearest to a time, if it is near enough."""
    message = None if kept is None else kept.nearest(wanted_ns)
    if message is None or abs(stamp_ns(message.header.stamp) - wanted_ns) > NEAR_NS:
        return None
    return message
