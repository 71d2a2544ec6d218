"""A percept as a message."""

from __future__ import annotations

import array

import numpy as np
from std_msgs.msg import Header

from sage_common.core.puzzle import Percept
from sage_common.core.synthetic import percept_source
from sage_msgs.msg import Puzzle


def puzzle_message(percept: Percept, header: Header, encode_ns: int) -> Puzzle:
    """A valid `Puzzle` with the sensor's header unchanged; its source says if that is synthetic.

    Args:
        encode_ns: time spent encoding [ns].
    """
    source = percept_source(percept.source, header.frame_id)
    message = Puzzle(header=header, modality=percept.modality, source=source)
    message.codes = percept.codes.reshape(-1)
    message.embedding = array.array("f", percept.embedding.astype(np.float32).tobytes())
    message.encoder_id = percept.encoder_id
    message.encode_ms = encode_ns / 1e6
    message.text = percept.text
    message.valid = True
    return message
