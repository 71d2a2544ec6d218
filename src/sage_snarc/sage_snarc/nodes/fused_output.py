"""Fused salience as it is published: all of it, and of each second the most salient."""

from __future__ import annotations

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.node import SageNode
from sage_msgs.msg import FusedSalience

PEAK_PERIOD_S = 1.0


class FusedOutput(Stateful):
    """The publishers of fusion.

    Args:
        node: whose they are; it is being configured.
    """

    _most: State[FusedSalience | None]

    def __init__(self, node: SageNode) -> None:
        self._all = node.publisher("fused_salience")
        self._peaks = node.publisher("salience_peak")
        self._most = None
        node.timer(PEAK_PERIOD_S, self._publish_peak, steady=True)

    def publish(self, message: FusedSalience) -> None:
        """Send it now, and once more if nothing in its second is more salient."""
        self._all.publish(message)
        if self._most is None or message.total > self._most.total:
            self._most = message

    def _publish_peak(self) -> None:
        if self._most is not None:
            self._peaks.publish(self._most)
        self._most = None
