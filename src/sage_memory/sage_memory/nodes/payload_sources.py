"""The sensors' last seconds, kept serialized, and the slice of them that goes with a moment."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from audio_common_msgs.msg import AudioInfo
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_MS, NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.audio import SAMPLE_RATE_HZ, audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_memory.backends import payload_encoding
from sage_memory.backends.payload_decoding import SOUND_BEFORE_S
from sage_memory.core.experience import Payload
from sage_memory.core.ingest.observer import SOUND_AFTER_NS
from sage_memory.core.limits import Limits
from sage_memory.core.payloads import PayloadRules
from sage_memory.nodes.face_blurring import FaceBlurring
from sage_memory.nodes.own_sensor import OwnSensor
from sage_memory.params import MemoryParameters

IMAGES = 12
SOUNDS = 60  # 6 s of 100 ms
MOTIONS = 1200  # 6 s at 200 Hz
PICTURES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
"""Messages that may show faces."""
OWN = 20  # messages of a sensor with a topic of its own
TOLERANCE_NS = 50 * NS_PER_MS

MB = 1_000_000

Encode = Callable[[], Payload | None]


def limits_of(parameters: MemoryParameters) -> Limits:
    """How much the parameters let a store take."""
    return Limits(
        queue_size=parameters.queue_size,
        payload_cap_bytes=round(parameters.payload_cap_mb * MB),
        min_free_bytes=round(parameters.min_free_mb * MB),
        payload_rules=PayloadRules(
            parameters.payload_ttl_s, parameters.payload_cap_yellow, parameters.payload_cap_red
        ),
    )


class PayloadSources(Stateful):
    """Subscribes what payloads are made of; sensor messages stay serialized until needed."""

    _audio_info: State[AudioInfo | None] = None

    def __init__(self, node: SageNode, parameters: MemoryParameters) -> None:
        self._specs = node.modality_specs
        self._faces = FaceBlurring(node, parameters.blur_faces)
        self._pictures = node.keep_latest_pictures(
            "camera/tensor", "camera/image_raw", IMAGES, name=parameters.camera
        )
        self._sounds = node.keep_latest("microphone/audio", SOUNDS, name=parameters.microphone)
        self._motions = node.keep_latest("imu/data", MOTIONS, name=parameters.imu)
        own = [OwnSensor.parse(text) for text in parameters.own_sensors]
        shown = {one.modality for one in own if one.type in PICTURES}
        self._not_kept = shown if parameters.blur_faces else set()
        for modality in sorted(self._not_kept):
            node.log.warning(
                f"{modality}: not kept: blur_faces knows the pictures of `camera` only"
            )
        self._own = {
            sensor.modality: (
                sensor.encoder(),
                node.keep_latest_foreign(sensor.topic, sensor.type, OWN),
            )
            for sensor in own
        }
        node.subscribe("microphone/info", self._on_audio_info, name=parameters.microphone)

    def take(self, modality: str, end_ns: int) -> Encode:
        """Grab what goes with a moment; the returned function encodes it, on a worker.

        It returns None where the modality has no payload or the sensor's data is gone.
        """
        if modality in self._own:
            return lambda: self._sensed(modality, end_ns)
        kind = self._specs[modality].payload
        if kind == "picture":
            # Now: less than half a second is kept.
            still = self._pictures.nearest(end_ns, TOLERANCE_NS)
            return lambda: None if still is None else self._picture(still.rgb())
        if kind == "sound":
            return lambda: self._sound(end_ns)
        if kind == "motion":
            return lambda: self._motion(end_ns)
        return lambda: None

    def close(self) -> None:
        """Give back what is loaded; what is used again is loaded again."""
        self._faces.close()

    def _picture(self, rgb: NDArray[np.uint8]) -> Payload:
        """What is kept of a picture, uint8 RGB [h, w, 3]: as large as that, it is looked at."""
        small = payload_encoding.as_large_as_kept(rgb)
        return payload_encoding.picture(self._faces.blurred(small))

    def _on_audio_info(self, message: AudioInfo) -> None:
        self._audio_info = message

    def _sensed(self, modality: str, end_ns: int) -> Payload | None:
        """What is kept of the message of a sensor with a topic of its own."""
        if modality in self._not_kept:
            return None
        encode, kept = self._own[modality]
        found = kept.nearest(end_ns)
        if found is None or abs(stamp_ns(found.header.stamp) - end_ns) > TOLERANCE_NS:
            return None
        return encode(found)

    def _sound(self, end_ns: int) -> Payload | None:
        before = self._sounds.between(end_ns - SOUND_BEFORE_S * NS_PER_S + 1, end_ns)
        if not before:
            return None
        info = self._audio_info
        rate = info.sample_rate if info is not None else SAMPLE_RATE_HZ
        if rate < 1:
            raise InvalidInput("sample_rate", rate, "at least 1 Hz")
        samples = np.concatenate([audio_to_array(chunk, info) for chunk in before])
        after = self._sounds.between(end_ns + 1, end_ns + SOUND_AFTER_NS)
        # A chunk may have begun earlier: what the encoder heard is cut to its length.
        heard = samples[-SOUND_BEFORE_S * rate :]
        parts = [heard, *(audio_to_array(chunk, info) for chunk in after)]
        return payload_encoding.sound(np.concatenate(parts), rate)

    def _motion(self, end_ns: int) -> Payload | None:
        samples = self._motions.between(end_ns - NS_PER_S + 1, end_ns)
        if not samples:
            return None
        rows = [
            [a.x, a.y, a.z, w.x, w.y, w.z]
            for a, w in ((s.linear_acceleration, s.angular_velocity) for s in samples)
        ]
        stamps = [stamp_ns(sample.header.stamp) for sample in samples]
        return payload_encoding.motion(stamps, np.asarray(rows, np.float64))
