"""One microphone."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from audio_common_msgs.msg import AudioInfo

from sage_common.core.state.fields import Transient
from sage_common.ros.conversions.audio import audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_sensors.backends import catalogue
from sage_sensors.backends.resampling import Rechunker
from sage_sensors.core.samples import Device, Sound, Track
from sage_sensors.nodes.sensor_node import SensorNode
from sage_sensors.params import MicrophoneParameters
from sage_sensors.publishers.microphone import MicrophonePublisher


class MicrophoneNode(SensorNode):
    """Publishes the sound of one microphone, a file, another node's audio, or a signal."""

    default_name = "microphone"
    parameters_type = MicrophoneParameters
    hardware = "portaudio"
    _rechunker: Transient[Rechunker | None] = None

    def make_stream(self) -> MicrophonePublisher:
        return MicrophonePublisher(self, self.parameters.name, self.parameters.frame_id)

    def make_source(self, backend: str) -> Track[Sound] | Device[Sound]:
        return catalogue.microphone(backend, self.parameters, self.clock)

    def frame_is_ours(self) -> bool:
        return True  # the foreign frame is not passed on

    def subscribe_source(self, topic: str) -> None:
        p = self.parameters
        self._foreign = AudioInfo(
            channels=p.topic_channels,
            sample_rate=p.topic_sample_rate_hz,
            sample_format=p.topic_sample_format,
            coding_format="wave",
        )
        rechunker = self._rechunker = Rechunker(p.topic_sample_rate_hz)
        self.subscribe_foreign(
            topic, "audio_common_msgs/msg/AudioDataStamped", partial(self._on_audio, rechunker)
        )

    def _on_audio(self, rechunker: Rechunker, message: Any) -> None:
        samples = np.asarray(audio_to_array(message, self._foreign), np.float32)
        for sample in rechunker.push(stamp_ns(message.header.stamp), samples):
            self._stream.deliver(sample)
