"""Clips of the recordings at hand, played once by the sensors of the graph, and one of quiet."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message

from sage.graph.catalogue import CATALOGUE
from sage.soak.day.clip import Clip, ClipMessage
from sage.sources.planning import plan_sensors
from sage_common.ros.container import node_class
from sage_common.ros.conversions.audio import audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.interfaces import interface
from sage_common.ros.lockstep.host import Delivered, LockstepHost

CLIP_S = 10.0
CAMERA_HZ, IMU_HZ = 3.0, 5.0
WIDTH_PX, HEIGHT_PX = 424, 240
NOISE_PICTURE, NOISE_SOUND, NOISE_IMU = 2.0, 0.001, 0.01
"""Of sensors where nothing happens: of 255, of 1, and in m/s^2 and rad/s."""
UNPLAYED = ("/diagnostics", "/tf_static")


def recorded_clip(source: str, namespace: str) -> tuple[Clip, tuple[Delivered, ...]]:
    """Ten seconds of a source, three frames a second, and what it sends without a stamp.

    Args:
        source: `recording`, or the path of a media file.
        namespace: of the graph that it will be played to.
    """
    plan = plan_sensors(source, "auto", namespace, True)
    with tempfile.TemporaryDirectory(prefix="sage-clip-") as home:
        host = LockstepHost(
            home=Path(home), namespace=namespace, watched=("camera/image_raw",), keep_outputs=True
        )
        for node in plan.nodes:
            small = {"width_px": WIDTH_PX, "height_px": HEIGHT_PX}
            rates = {"max_camera_rate_hz": CAMERA_HZ, "max_imu_rate_hz": IMU_HZ}
            kind = node_class(CATALOGUE[node.kind].node_class)
            host.add(kind, node.name, {**node.parameters, **small, **rates})
        host.run_for(CLIP_S)
        host.close()
    sent = [item for item in host.outputs if item.topic not in UNPLAYED]
    stampless = tuple(item for item in sent if not hasattr(item.message(), "header"))
    messages = sorted(_from_begin(sent), key=lambda message: message.offset_ns)
    name = plan.backends["camera"].removeprefix("file:")
    return Clip(name, _length_ns(messages), tuple(messages)), stampless


def quiet_clip(lively: Clip) -> Clip:
    """The first picture, the mean of the IMU and no sound, each with the noise of a sensor."""
    noise = np.random.default_rng(0)
    first: dict[str, Any] = {}
    messages = []
    for item in lively.messages:
        message = deserialize_message(item.data, interface(item.type_name))
        still = _still(message, first.setdefault(item.topic, message), noise)
        if still is not None:
            messages.append(replace(item, data=bytes(serialize_message(still))))
    return Clip("quiet", lively.length_ns, tuple(messages))


def completed(clip: Clip, quiet: Clip) -> Clip:
    """A clip with what its sensors lack, such as an IMU, as it is where nothing happens."""
    there = {message.topic for message in clip.messages}
    added = [message for message in quiet.played(0, clip.length_ns) if message.topic not in there]
    messages = sorted([*clip.messages, *added], key=lambda message: message.offset_ns)
    return replace(clip, messages=tuple(messages))


def _from_begin(sent: Sequence[Delivered]) -> list[ClipMessage]:
    """Those that have a stamp, which is counted from the first one."""
    stamps = [(item, item.message()) for item in sent]
    timed = [(item, stamp_ns(m.header.stamp)) for item, m in stamps if hasattr(m, "header")]
    begin_ns = min(time_ns for _, time_ns in timed)
    return [ClipMessage(t - begin_ns, i.topic, i.type_name, i.data) for i, t in timed]


def _length_ns(messages: Sequence[ClipMessage]) -> int:
    """So that the stream with the most messages begins again one period after its last one."""
    topics = Counter(message.topic for message in messages)
    topic, count = topics.most_common(1)[0]
    stamps = [message.offset_ns for message in messages if message.topic == topic]
    last_ns = max(message.offset_ns for message in messages)
    return max(last_ns + 1, stamps[-1] + (stamps[-1] - stamps[0]) // max(count - 1, 1))


def _still(message: Any, first: Any, noise: np.random.Generator) -> Any | None:
    """What a sensor sends where nothing happens; None: nothing."""
    if hasattr(message, "encoding"):
        picture = np.frombuffer(first.data, np.uint8).astype(np.float32)
        noisy = picture + noise.normal(0.0, NOISE_PICTURE, picture.shape)
        message.data = noisy.clip(0, 255).astype(np.uint8).tobytes()
    elif hasattr(message, "audio"):
        samples = audio_to_array(message)
        message.audio.data = noise.normal(0.0, NOISE_SOUND, len(samples)).astype("<f4").tobytes()
    elif hasattr(message, "linear_acceleration"):
        for name in ("linear_acceleration", "angular_velocity"):
            there, usual = getattr(message, name), getattr(first, name)
            is_turn = name == "angular_velocity"
            for axis in ("x", "y", "z"):
                level = 0.0 if is_turn else getattr(usual, axis)
                setattr(there, axis, level + float(noise.normal(0.0, NOISE_IMU)))
    elif not hasattr(message, "distortion_model"):
        return None  # words
    return message
