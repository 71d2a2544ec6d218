"""The puzzles of an encoder on their way out."""

from __future__ import annotations

from std_msgs.msg import Header

from sage_common.core.diagnosis import stages
from sage_common.core.puzzle import Percept
from sage_common.ros.node import SageNode
from sage_encoders.nodes.puzzle_message import puzzle_message


class PuzzleOutput:
    """Publishes percepts of one modality, and measures what encoding them takes.

    Args:
        node: the encoder's; it is being configured.
        modality: of the percepts.
    """

    def __init__(self, node: SageNode, modality: str) -> None:
        self._publisher = node.publisher("puzzle", modality=modality)
        self._encoding = node.timing(stages.encode(modality))

    def publish(self, percept: Percept, header: Header, encode_ns: int) -> None:
        """See `puzzle_message`."""
        self._encoding.add(encode_ns)
        self._publisher.publish(puzzle_message(percept, header, encode_ns))
