"""Utterances as puzzles, and the service that embeds any text."""

from __future__ import annotations

from typing import Any

from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_encoders.core.language import TextEmbedder
from sage_encoders.nodes.embedding_answer import fill_embedding
from sage_encoders.nodes.encoder_slot import EncoderSlot
from sage_encoders.nodes.loaded_encoder import LoadedEncoder
from sage_encoders.nodes.loaded_text_embedder import load_text_embedder
from sage_encoders.nodes.puzzle_message import puzzle_message
from sage_encoders.params import LanguageEncoderParameters

WAITING_UTTERANCES = 16
UNKNOWN_SPEAKER = "text"


class LanguageEncoderNode(SageNode):
    """Encodes every utterance; none is dropped unless 16 are waiting."""

    default_name = "language_encoder"
    parameters_type = LanguageEncoderParameters
    _slot: Transient[EncoderSlot[TextEmbedder]]

    def on_configure(self) -> None:
        self._slot = EncoderSlot(self, self._load)
        self._puzzles = self.publisher("puzzle", modality="language")
        self._worker = self.worker("encode", WAITING_UTTERANCES)
        self.subscribe("text", self._on_text)
        self.service("language/embed", self._on_embed)

    def on_activate(self) -> None:
        self._slot.activate()
        self.diagnose(dropped=0)

    def on_deactivate(self) -> None:
        self._slot.deactivate()

    def _load(self) -> LoadedEncoder[TextEmbedder]:
        return load_text_embedder(self.parameters)

    def _on_text(self, message: Any) -> None:
        self._worker.submit(self._encode, message.text, message.speaker, message.header)

    def _encode(self, text: str, speaker: str, header: Any) -> None:
        with self._slot.encoder() as embedder:
            if embedder is None:
                return
            began_ns = self.stopwatch_ns()
            percept = embedder.percept(text, stamp_ns(header.stamp), speaker or UNKNOWN_SPEAKER)
            took_ns = self.stopwatch_ns() - began_ns
        self._puzzles.publish(puzzle_message(percept, header, took_ns))
        self.diagnose(dropped=self._worker.dropped)

    def _on_embed(self, request: Any, response: Any) -> Any:
        return fill_embedding(
            response,
            self._slot,
            self.name,
            lambda e: e.embed(request.text),
            lambda e: e.encoder_id,
        )
