"""Sound in chunks of 100 ms, stamped with the capture time of the last sample."""

from __future__ import annotations

from typing import ClassVar

from std_msgs.msg import Header

from sage_common.ros.conversions.audio import array_to_audio, audio_info
from sage_common.ros.node import SageNode
from sage_sensors.core.samples import Sound
from sage_sensors.publishers.stream import StreamPublisher


class MicrophonePublisher(StreamPublisher[Sound]):
    """Publishes microphone/<name>/audio, and microphone/<name>/info once, latched.

    Args:
        node: the node that it publishes for.
        name: of the microphone.
        frame_id: TF frame; empty: microphone_<name>.
    """

    kind: ClassVar[str] = "microphone"

    def __init__(self, node: SageNode, name: str, frame_id: str) -> None:
        super().__init__(node, frame_id or f"microphone_{name}")
        self._audio = node.publisher("microphone/audio", name=name)
        self._info = node.publisher("microphone/info", name=name)

    def begin(self, backend: str, period_s: float) -> None:
        super().begin(backend, period_s)
        self._info.publish(audio_info())

    def send(self, value: Sound, header: Header) -> None:
        self._audio.publish(array_to_audio(value.samples, header))
