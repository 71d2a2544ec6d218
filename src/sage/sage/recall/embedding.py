"""Pictures and sounds as the encoders of a graph would embed them, without a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage.recall.question import Sound
from sage_encoders.nodes.payload_embedders import PayloadEmbedder, pictures, sounds

Embedding = tuple[NDArray[np.float32], str]


def embed_image(image: NDArray[np.uint8]) -> Embedding:
    """The embedding of an RGB picture, uint8 [h, w, 3], float32 [D], and its encoder.

    Raises:
        InvalidInput, ModelError: it is no picture, or there is no model.
    """
    return _embedded(pictures, image)


def embed_sound(sound: Sound) -> Embedding:
    """The same of a sound; its last second counts."""
    return _embedded(sounds, (sound.samples, sound.rate_hz))


def _embedded(opened: Callable[[], PayloadEmbedder], content: Any) -> Embedding:
    embedder = opened()
    try:
        return embedder.embed(content), embedder.encoder_id
    finally:
        embedder.close()
