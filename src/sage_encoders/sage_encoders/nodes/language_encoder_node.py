"""Utterances as puzzles, and the service that embeds any text."""

from __future__ import annotations

from typing import Any

from sage_common.ros.node import SageNode
from sage_common.ros.process import run_node
from sage_common.ros.stamps import stamp_ns
from sage_encoders.backends.minilm import open_text_embedder
from sage_encoders.core.language import TextEmbedder
from sage_encoders.nodes.puzzle_message import puzzle_message
from sage_encoders.params import LanguageEncoderParameters

WAITING_UTTERANCES = 16
UNKNOWN_SPEAKER = "text"


class LanguageEncoderNode(SageNode):
    """Encodes every utterance; none is dropped unless 16 are waiting."""

    default_name = "language_encoder"
    parameters_type = LanguageEncoderParameters

    def on_configure(self) -> None:
        self._embedder: TextEmbedder | None = None
        self._puzzles = self.publisher("puzzle", modality="language")
        self._worker = self.worker("encode", WAITING_UTTERANCES)
        self.subscribe("text", self._on_text)
        self.service("language/embed", self._on_embed)

    def on_activate(self) -> None:
        parameters = self.parameters
        self._embedder, model = open_text_embedder(
            parameters.models_dir, parameters.provider, parameters.threads
        )
        self.diagnose(
            backend="onnxruntime",
            provider=model.provider,
            weights_sha256=model.card.sha256,
            encoder_id=model.encoder_id,
            dropped=0,
        )

    def on_deactivate(self) -> None:
        self._embedder = None

    def _on_text(self, message: Any) -> None:
        self._worker.submit(self._encode, message.text, message.speaker, message.header)

    def _encode(self, text: str, speaker: str, header: Any) -> None:
        embedder = self._embedder
        if embedder is None:
            return
        began_ns = self.stopwatch_ns()
        percept = embedder.percept(text, stamp_ns(header.stamp), speaker or UNKNOWN_SPEAKER)
        self._puzzles.publish(puzzle_message(percept, header, self.stopwatch_ns() - began_ns))
        self.diagnose(dropped=self._worker.dropped)

    def _on_embed(self, request: Any, response: Any) -> Any:
        embedder = self._embedder
        if embedder is None:
            response.success, response.message = False, f"{self.name} is not active"
            return response
        response.embedding = embedder.embed(request.text)
        response.encoder_id = embedder.encoder_id
        response.success = True
        return response


def main() -> None:
    """Run the node in a process of its own."""
    run_node(LanguageEncoderNode)
