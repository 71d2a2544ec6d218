"""Sound of one microphone as puzzles."""

from __future__ import annotations

from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.ros.audio import audio_info, audio_to_array
from sage_common.ros.node import SageNode
from sage_common.ros.process import run_node
from sage_common.ros.stamps import stamp_ns
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.audio import AudioEncoder
from sage_encoders.core.log_mel import SAMPLE_RATE
from sage_encoders.nodes.puzzle_message import puzzle_message
from sage_encoders.params import AudioEncoderParameters

MODEL_FILE = "audio_encoder.onnx"
# A lost block is a gap in the window, so blocks may wait for a second.
WAITING_BLOCKS = 10


class AudioEncoderNode(SageNode):
    """Encodes the last second of sound every 100 ms."""

    default_name = "audio_encoder"
    parameters_type = AudioEncoderParameters

    def on_configure(self) -> None:
        self._encoder: AudioEncoder | None = None
        self._info = audio_info()
        self._puzzles = self.publisher("puzzle", modality="audio")
        self._worker = self.worker("encode", WAITING_BLOCKS)
        name = self.parameters.microphone
        self.subscribe("microphone/info", self._on_info, name=name)
        self.subscribe("microphone/audio", self._on_audio, name=name)

    def on_activate(self) -> None:
        parameters = self.parameters
        model = OnnxModel(
            models_folder(parameters.models_dir) / MODEL_FILE,
            provider=parameters.provider,
            threads=parameters.threads,
        )
        self._encoder = AudioEncoder(model, parameters.microphone)
        self.diagnose(
            backend="onnxruntime",
            provider=model.provider,
            weights_sha256=model.card.sha256,
            encoder_id=model.encoder_id,
            dropped=0,
            gaps=0,
        )

    def on_deactivate(self) -> None:
        self._encoder = None

    def _on_info(self, info: Any) -> None:
        self._info = info

    def _on_audio(self, message: Any) -> None:
        if self._info.sample_rate != SAMPLE_RATE:
            raise InvalidInput("sample_rate", self._info.sample_rate, f"{SAMPLE_RATE} Hz")
        samples = audio_to_array(message, self._info)
        if len(samples) > SAMPLE_RATE:
            raise InvalidInput("audio.data", f"{len(samples)} samples", "at most one second")
        self._worker.submit(self._encode, samples, message.header)

    def _encode(self, samples: Any, header: Any) -> None:
        encoder = self._encoder
        if encoder is None:
            return
        began_ns = self.stopwatch_ns()
        percept = encoder.push(samples, stamp_ns(header.stamp))
        if percept is not None:
            self._puzzles.publish(puzzle_message(percept, header, self.stopwatch_ns() - began_ns))
        self.diagnose(dropped=self._worker.dropped, gaps=encoder.gaps)


def main() -> None:
    """Run the node in a process of its own."""
    run_node(AudioEncoderNode)
