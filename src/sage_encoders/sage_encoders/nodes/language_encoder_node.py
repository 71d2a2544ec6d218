"""Utterances as puzzles, and the service that embeds any text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.topics import HEARD_WORDS, READ_WORDS
from sage_common.ros.conversions.stamps import stamp_ns
from sage_encoders.core.language import TextEmbedder, checked_text
from sage_encoders.modalities import LANGUAGE
from sage_encoders.nodes.loaded_encoder import LoadedEncoder
from sage_encoders.nodes.loaded_text_embedder import load_text_embedder
from sage_encoders.nodes.model_encoder_node import ModelEncoderNode
from sage_encoders.params import LanguageEncoderParameters

UNKNOWN_SPEAKER = "text"
MOST_TEXTS = 64


class LanguageEncoderNode(ModelEncoderNode):
    """Encodes every utterance; none is dropped unless 16 are waiting."""

    default_name = "language_encoder"
    parameters_type = LanguageEncoderParameters
    spec = LANGUAGE
    waiting = 16

    def on_configure(self) -> None:
        super().on_configure()
        self.subscribe("text", self._on_text)

    def load(self) -> LoadedEncoder[TextEmbedder]:
        return load_text_embedder(self.parameters)

    def _on_text(self, message: Any) -> None:
        self._worker.submit(self._encode, message.text, message.speaker, message.header)

    def _encode(self, text: str, speaker: str, header: Any) -> None:
        with self._slot.encoder() as embedder:
            if embedder is None:
                return
            began_ns = self.stopwatch_ns()
            found = header.frame_id in (READ_WORDS, HEARD_WORDS)
            unknown = header.frame_id if found else UNKNOWN_SPEAKER
            percept = embedder.percept(text, stamp_ns(header.stamp), speaker or unknown)
            took_ns = self.stopwatch_ns() - began_ns
        self._puzzles.publish(percept, header, took_ns)
        self.diagnose(dropped=self._worker.dropped)

    def decode(self, request: Any) -> str | list[str]:
        if not request.texts:
            return checked_text(request.text)
        if len(request.texts) > MOST_TEXTS:
            raise InvalidInput("texts", f"{len(request.texts)} texts", f"at most {MOST_TEXTS}")
        return list(request.texts)

    def embed(self, encoder: TextEmbedder, sample: str) -> NDArray[np.float32]:
        return encoder.embed(sample)

    def answer(self, encoder: TextEmbedder, sample: str | list[str], response: Any) -> None:
        if isinstance(sample, str):
            super().answer(encoder, sample, response)
            return
        found = encoder.embed_each(sample)
        response.refused = [str(one) if isinstance(one, InvalidInput) else "" for one in found]
        width = max((len(one) for one in found if not isinstance(one, InvalidInput)), default=0)
        nothing = np.zeros(width, np.float32)
        parts = [nothing if isinstance(one, InvalidInput) else one for one in found]
        response.embedding = np.concatenate(parts)
