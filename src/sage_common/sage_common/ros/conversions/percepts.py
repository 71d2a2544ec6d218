"""Percepts from messages."""

from __future__ import annotations

import numpy as np

from sage_common.core.puzzle import GRID, Percept
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import Puzzle


def percept_of(message: Puzzle) -> Percept:
    """The percept of a valid puzzle."""
    return Percept(
        stamp_ns=stamp_ns(message.header.stamp),
        modality=message.modality,
        source=message.source,
        codes=np.array(message.codes, np.uint8).reshape(GRID, GRID),
        embedding=np.array(message.embedding, np.float32),
        encoder_id=message.encoder_id,
        text=message.text,
    )
