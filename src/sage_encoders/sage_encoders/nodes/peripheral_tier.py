"""The peripheral tier in a node: looks at some of the frames, and publishes what it saw."""

from __future__ import annotations

from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.picture import Picture
from sage_common.ros.tensors.tile_output import TILES, TileOutput
from sage_encoders.backends.opencv_resize import sample
from sage_encoders.core.periphery import Periphery
from sage_encoders.params import VisionEncoderParameters
from sage_msgs.msg import MetabolicState

JITTER = 0.1
"""Part of the period that a frame may come early."""


class PeripheralTier:
    """Looks `tiles_rate_hz` times a second, after the puzzle has gone: it delays none.

    Plugins read what it sees: while cycles are long, one look a cycle is enough.

    Where there is no mailbox nobody could read it, and it does not look.
    """

    def __init__(self, node: SageNode, parameters: VisionEncoderParameters) -> None:
        self._node, self._camera = node, parameters.camera
        self._rate_hz = parameters.tiles_rate_hz
        self._core = Periphery(sample, parameters.tile_px)
        name = node.mailbox_name(TILES.format(name=parameters.camera))
        self._output = TileOutput(name, node.log)
        self._looked_ns: int | None = None
        self._cycle_ns = 0
        if self._rate_hz:
            node.subscribe("state", self._on_state)

    def look(self, picture: Picture) -> None:
        """Look at a frame where it is, if it is time to."""
        stamp = stamp_ns(picture.header.stamp)
        if not self._is_due(stamp):
            return
        self._looked_ns = stamp
        if not self._output.open():
            self._node.diagnose(**self._output.facts())
            return
        began_ns = self._node.stopwatch_ns()
        view = self._core.observe(picture.pixels, stamp, self._camera)
        if picture.is_whole():
            self._output.publish(view)
        took_ms = (self._node.stopwatch_ns() - began_ns) / 1e6
        self._node.diagnose(**self._output.facts(), tiles_ms=round(took_ms, 2))

    def close(self) -> None:
        """The node became inactive."""
        self._output.close()

    def _on_state(self, message: MetabolicState) -> None:
        self._cycle_ns = round(message.cycle_ms * 1e6)

    def _is_due(self, stamp: int) -> bool:
        if self._rate_hz == 0.0:
            return False
        period_ns = round((1.0 - JITTER) * max(NS_PER_S / self._rate_hz, self._cycle_ns))
        return self._looked_ns is None or abs(stamp - self._looked_ns) >= period_ns
