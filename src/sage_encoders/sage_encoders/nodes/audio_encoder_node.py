"""Sound of one microphone as puzzles."""

from __future__ import annotations

from typing import Any

import numpy as np
from audio_common_msgs.msg import AudioInfo
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.audio import audio_info, audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_encoders.core.audio import MODEL, SIGNATURE, AudioEncoder, checked_second
from sage_encoders.core.log_mel import SAMPLE_RATE
from sage_encoders.modalities import AUDIO
from sage_encoders.nodes.loaded_encoder import LoadedEncoder, load_onnx
from sage_encoders.nodes.model_encoder_node import ModelEncoderNode
from sage_encoders.params import AudioEncoderParameters


class AudioEncoderNode(ModelEncoderNode):
    """Encodes the last second of sound every 100 ms."""

    default_name = "audio_encoder"
    parameters_type = AudioEncoderParameters
    spec = AUDIO
    waiting = 10  # a lost block is a gap in the sound, so blocks may wait for a second
    _bridged: Transient[int]
    _info: Transient[AudioInfo]

    def on_configure(self) -> None:
        super().on_configure()
        self._bridged = 0
        self._info = audio_info()
        name = self.parameters.microphone
        self.subscribe("microphone/info", self._on_info, name=name)
        self.subscribe("microphone/audio", self._on_audio, name=name)

    def on_activate(self) -> None:
        super().on_activate()
        self.diagnose(gaps=0, bridged=0, bridged_ms=0)

    def load(self) -> LoadedEncoder[AudioEncoder]:
        microphone = self.parameters.microphone
        return load_onnx(
            MODEL, self.parameters, SIGNATURE, lambda model: AudioEncoder(model, microphone)
        )

    def _on_info(self, info: Any) -> None:
        self._info = info

    def _on_audio(self, message: Any) -> None:
        if self._info.sample_rate != SAMPLE_RATE:
            raise InvalidInput(
                "sample_rate",
                self._info.sample_rate,
                f"{SAMPLE_RATE} Hz: let a microphone node resample it (backend topic, "
                f"topic_sample_rate_hz {self._info.sample_rate})",
            )
        samples = audio_to_array(message, self._info)
        if len(samples) > SAMPLE_RATE:
            raise InvalidInput("audio.data", f"{len(samples)} samples", "at most one second")
        self._worker.submit(self._encode, samples, message.header)

    def _encode(self, samples: Any, header: Any) -> None:
        with self._slot.encoder() as encoder:
            if encoder is None:
                return
            began_ns = self.stopwatch_ns()
            percept = encoder.push(samples, stamp_ns(header.stamp))
            took_ns = self.stopwatch_ns() - began_ns
            self._report_gaps(encoder)
        if percept is not None:
            self._puzzles.publish(percept, header, took_ns)

    def decode(self, request: Any) -> NDArray[np.float32]:
        return checked_second(np.array(request.samples, np.float32), request.sample_rate)

    def embed(self, encoder: AudioEncoder, sample: NDArray[np.float32]) -> NDArray[np.float32]:
        return encoder.embed(sample, SAMPLE_RATE)

    def _report_gaps(self, encoder: AudioEncoder) -> None:
        if encoder.bridged > self._bridged:
            bridged_ms = encoder.bridged_ns / 1e6
            self.log.warning(
                f"sound is missing: {encoder.bridged} short gaps, {bridged_ms:.0f} ms in all, "
                "through which the last spectrum was held",
                throttle_s=10.0,
            )
        self._bridged = encoder.bridged
        self.diagnose(
            dropped=self._worker.dropped,
            gaps=encoder.gaps,
            bridged=encoder.bridged,
            bridged_ms=round(encoder.bridged_ns / 1e6),
        )
