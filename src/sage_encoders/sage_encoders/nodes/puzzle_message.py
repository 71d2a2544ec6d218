"""A percept as a message."""

from __future__ import annotations

import array

import numpy as np
from std_msgs.msg import Header

from sage_common.core.puzzle import Percept
from sage_msgs.msg import Puzzle


def puzzle_message(percept: Percept, header: Header, encode_ns: int) -> Puzzle:
    """A valid `Puzzle` with the sensor's header unchanged.

    Args:
        encode_ns: time spent encoding [ns].
    """
    message = Puzzle(header=header, modality=percept.modality, source=percept.source)
    message.codes = percept.codes.reshape(-1)
    message.embedding = array.array("f", percept.embedding.astype(np.float32).tobytes())
    message.encoder_id = percept.encoder_id
    message.encode_ms = encode_ns / 1e6
    message.text = percept.text
    message.valid = True
    return message
