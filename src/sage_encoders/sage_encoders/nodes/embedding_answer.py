"""The answer of the services that embed: an embedding, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError
from sage_encoders.nodes.encoder_slot import EncoderSlot

E = TypeVar("E")


def fill_embedding(
    response: Any,
    slot: EncoderSlot[E],
    name: str,
    embed: Callable[[E], NDArray[np.float32]],
    encoder_id: Callable[[E], str],
) -> Any:
    """Fill a response of language/embed, vision/embed or audio/embed.

    A model that is loaded on demand and has left is loaded for it.

    Args:
        slot: of the node that serves.
        name: of that node.
        embed: asks the encoder.
        encoder_id: of the encoder.

    Raises:
        InvalidInput: what was to be embedded is wrong; the field is named.
    """
    try:
        with slot.encoder() as encoder:
            if encoder is None:
                response.message = f"{name} has no model loaded: the node is not active"
                return response
            response.embedding = np.asarray(embed(encoder), np.float32)
            response.encoder_id = encoder_id(encoder)
    except ModelError as error:
        response.message = f"{name} cannot load its model: {error}"
        return response
    response.success = True
    return response
