"""Where somebody speaks: Silero VAD, version 6."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.signature import Signature, Tensor

MODEL = "voice_activity"
CHUNK, BEFORE, STATE = 512, 64, 128
"""Samples that are judged at once, those before them that it hears, too, and its memory."""
SIGNATURE = Signature(
    inputs={
        "input": Tensor("float32", ("N", BEFORE + CHUNK)),
        "h": Tensor("float32", (1, 1, STATE)),
        "c": Tensor("float32", (1, 1, STATE)),
    },
    outputs={
        "speech_probs": Tensor("float32", ("N",)),
        "hn": Tensor("float32", (1, 1, STATE)),
        "cn": Tensor("float32", (1, 1, STATE)),
    },
)
Floats = NDArray[np.float32]


class VoiceActivity:
    """Hears a stream chunk by chunk.

    Args:
        model: with SIGNATURE.
    """

    def __init__(self, model: OnnxModel) -> None:
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Forget everything, as after a gap in the stream."""
        self._before = np.zeros(BEFORE, np.float32)
        self.forget()

    def forget(self) -> None:
        """Drop what was heard; the stream goes on."""
        self._h = self._c = np.zeros((1, 1, STATE), np.float32)

    def push(self, samples: Floats) -> Floats:
        """Probabilities that somebody speaks.

        Args:
            samples: the next ones, 16 kHz, [512 N].

        Returns:
            float32 [N] in [0, 1], one for each 32 ms.
        """
        chunks = samples.reshape(-1, CHUNK)
        if not len(chunks):
            return np.zeros(0, np.float32)
        before = np.concatenate([self._before[None], chunks[:-1, -BEFORE:]])
        heard = np.concatenate([before, chunks], axis=1)
        outputs = self._model.run(input=heard, h=self._h, c=self._c)
        self._before = chunks[-1, -BEFORE:].copy()
        self._h, self._c = outputs["hn"], outputs["cn"]
        return np.asarray(outputs["speech_probs"], np.float32).reshape(-1)
