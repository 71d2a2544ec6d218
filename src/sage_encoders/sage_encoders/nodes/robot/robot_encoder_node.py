"""What the encoders of standard robot messages have in common: their topic, and their puzzles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from std_msgs.msg import Header

from sage_common.core.puzzle import Percept
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.node import SageNode
from sage_encoders.core.robot.collector import Collector
from sage_encoders.nodes.puzzle_output import PuzzleOutput


class RobotEncoderNode(SageNode, ABC):
    """Encodes one type of message of one topic of the robot."""

    spec: ClassVar[ModalitySpec]
    qos: ClassVar[str] = "sensor"

    def on_configure(self) -> None:
        self._puzzles = PuzzleOutput(self, self.parameters.modality)
        self.subscribe_foreign(self.parameters.topic, self.spec.type, self.on_message, qos=self.qos)

    @abstractmethod
    def on_message(self, message: Any) -> None:
        """Take a message whose stamp is good.

        Raises:
            InvalidInput: what is wrong with it; it is counted and dropped.
        """

    def publish_percept(self, percept: Percept, header: Header, began_ns: int) -> None:
        """Publish a percept.

        Args:
            percept: what was encoded.
            header: of the newest message that it is made of.
            began_ns: stopwatch when its encoding began.
        """
        self.diagnose(backend="numpy", provider="cpu", encoder_id=percept.encoder_id)
        self._puzzles.publish(percept, header, self.stopwatch_ns() - began_ns)


class CollectingEncoderNode(RobotEncoderNode):
    """Takes every message, and encodes what was collected so many times a second while any come."""

    collector_type: ClassVar[type[Collector]]
    frame_id: Transient[str]
    _collector: Transient[Collector]

    def on_configure(self) -> None:
        super().on_configure()
        self.timer(1.0 / self.parameters.rate_hz, self._encode)

    def on_activate(self) -> None:
        self.frame_id = ""
        self._collector = self.make_collector()

    def make_collector(self) -> Collector:
        """The encoder, with nothing collected."""
        return self.collector_type(self.parameters.modality, self.parameters.modality)

    def on_message(self, message: Any) -> None:
        if self.collect(stamp_ns(message.header.stamp), message):
            self.frame_id = message.header.frame_id

    @abstractmethod
    def collect(self, stamp: int, message: Any) -> bool:
        """Give a message and its stamp [ns] to the collector; False if it is not for it.

        Raises:
            InvalidInput: as `on_message`.
        """

    def _encode(self) -> None:
        began_ns = self.stopwatch_ns()
        percept = self._collector.percept()
        if percept is not None:
            header = Header(stamp=to_stamp(percept.stamp_ns), frame_id=self.frame_id)
            self.publish_percept(percept, header, began_ns)
