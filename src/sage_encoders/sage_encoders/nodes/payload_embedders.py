"""What embeds pictures, sounds and texts outside of a graph, with the encoders of this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core import audio, vision
from sage_encoders.nodes.loaded_encoder import load_onnx
from sage_encoders.params import ModelParameters


@dataclass(frozen=True)
class PayloadEmbedder:
    """An encoder of the present, as `ModalitySpec.embedder` opens it.

    Attributes:
        encoder_id: of its vectors.
        embed: float32 [D] of what was sensed; raises InvalidInput.
        close: gives the model back.
    """

    encoder_id: str
    embed: Callable[[Any], NDArray[np.float32]]
    close: Callable[[], None]


def pictures() -> PayloadEmbedder:
    """Of pictures, uint8 RGB [h, w, 3].

    Raises:
        ModelError: the model is not installed.
    """
    made = partial(vision.VisionEncoder, resize=resize)
    loaded = load_onnx(vision.MODEL, ModelParameters(), vision.SIGNATURE, made)
    return PayloadEmbedder(loaded.encoder.encoder_id, loaded.encoder.embed, loaded.lease.close)


def sounds() -> PayloadEmbedder:
    """Of sounds, mono float32 [n] and samples a second.

    Raises:
        ModelError: the model is not installed.
    """
    made = partial(audio.AudioEncoder, source="payload")
    loaded = load_onnx(audio.MODEL, ModelParameters(), audio.SIGNATURE, made)
    encoder = loaded.encoder
    return PayloadEmbedder(
        encoder.encoder_id, lambda sound: encoder.embed(*sound), loaded.lease.close
    )


def texts() -> PayloadEmbedder:
    """Of texts.

    Raises:
        ModelError: the model is not installed.
    """
    opened = OpenTextEmbedder(models_folder())
    words = opened.embedder
    return PayloadEmbedder(words.encoder_id, words.embed, opened.close)
