"""Utterances."""

from __future__ import annotations

from typing import ClassVar

from std_msgs.msg import Header

from sage_common.ros.node import SageNode
from sage_msgs.msg import Utterance
from sage_sensors.core.samples import Words
from sage_sensors.publishers.stream import StreamPublisher


class TextPublisher(StreamPublisher[Words]):
    """Publishes text; the stamp is the end of the utterance.

    Args:
        node: the node that it publishes for.
    """

    kind: ClassVar[str] = "text"

    def __init__(self, node: SageNode) -> None:
        super().__init__(node, "")
        self._text = node.publisher("text")

    def send(self, value: Words, header: Header) -> None:
        self._text.publish(
            Utterance(
                header=header,
                text=value.text,
                speaker=value.speaker,
                language=value.language,
                confidence=value.confidence,
            )
        )
