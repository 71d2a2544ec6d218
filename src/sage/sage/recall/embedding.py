"""Words, pictures and sounds as the encoders of a graph would embed them, without a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sage.recall.question import Sound
from sage_encoders.backends.minilm import open_text_embedder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core import audio, vision
from sage_encoders.core.signature import Signature
from sage_encoders.nodes.loaded_encoder import load_onnx
from sage_encoders.params import ModelParameters

E = TypeVar("E", vision.VisionEncoder, audio.AudioEncoder)
Embedding = tuple[NDArray[np.float32], str]


def embed_text(text: str) -> Embedding:
    """The embedding, float32 [D], and its encoder.

    Raises:
        InvalidInput, ModelError: the text is empty, or there is no model.
    """
    embedder, _ = open_text_embedder()
    return embedder.embed(text), embedder.encoder_id


def embed_image(image: NDArray[np.uint8]) -> Embedding:
    """The same of an RGB picture, uint8 [h, w, 3]."""
    return _embedded(
        vision.MODEL,
        vision.SIGNATURE,
        lambda model: vision.VisionEncoder(model, resize),
        lambda encoder: encoder.embed(image),
    )


def embed_sound(sound: Sound) -> Embedding:
    """The same of a sound; its last second counts."""
    return _embedded(
        audio.MODEL,
        audio.SIGNATURE,
        lambda model: audio.AudioEncoder(model, "example"),
        lambda encoder: encoder.embed(sound.samples, sound.rate_hz),
    )


def _embedded(
    name: str,
    signature: Signature,
    make: Callable[[OnnxModel], E],
    embed: Callable[[E], NDArray[np.float32]],
) -> Embedding:
    loaded = load_onnx(name, ModelParameters(), signature, make)
    try:
        return embed(loaded.encoder), loaded.encoder.encoder_id
    finally:
        loaded.lease.close()
