"""Parameters of the sensor nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sage_common.core.parameters import NodeParameters, parameter

_MEDIA = "a media file (video, sound, or both)"


def _limit(stream: str, high: float) -> Any:
    return parameter(
        0.0,
        doc=f"{stream} that come sooner are not published; 0: no limit. The orchestrator sets it, "
        "as the metabolic state says",
        unit="Hz",
        low=0.0,
        high=high,
        changeable=True,
    )


RECORDING_ENDED = "the recording has ended"
"""Health message of a recording once it is over."""


@dataclass(frozen=True)
class FrameParameters(NodeParameters):
    """Parameters of every node whose sensors have a place on the robot."""

    publish_tf: bool = parameter(
        True, doc="publish static transforms to the sensor's frame, unless another node does"
    )
    base_frame: str = parameter("base_link", doc="TF frame of the robot's body (REP-105)")


@dataclass(frozen=True)
class MountedParameters(FrameParameters):
    """Parameters of one sensor with a place on the robot."""

    position_m: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0), doc="x, y, z of the sensor in base_frame", unit="m"
    )
    rotation_rpy_rad: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0),
        doc="roll, pitch, yaw of the sensor's body about the axes of base_frame",
        unit="rad",
    )


@dataclass(frozen=True)
class RecordingParameters(FrameParameters):
    """A recording played as all sensors."""

    media: str = parameter("", doc=f"{_MEDIA}; empty: the demo recording that is at hand")
    sound: str = parameter("", doc="a media file whose sound replaces that of `media`")
    imu_csv: str = parameter("", doc="IMU recording; columns as in InertialTable")
    text_track: str = parameter("", doc="SRT file; each caption becomes an utterance at its end")
    data_dir: str = parameter(
        "", doc="folder of recorded data for the demo; empty: $SAGE_DATA or ../shared/data"
    )
    synthetic: tuple[str, ...] = parameter(
        (),
        doc="streams of the demo recording to generate where none is at hand: camera, microphone, "
        "imu; they are marked synthetic:NAME wherever they go",
    )
    story: str = parameter(
        "", doc="a composition (YAML): recordings on one clock, with things that happen in them"
    )
    loop: bool = parameter(
        True, doc="start again at the end; of a composition: further laps, each another one"
    )
    rate: float = parameter(1.0, doc="speed of playing", low=0.05, high=20.0)
    start_delay_s: float = parameter(
        0.5, doc="time between activation and the first sample", unit="s", low=0.0, high=60.0
    )
    camera: str = parameter("front", doc="name of the camera")
    microphone: str = parameter("front", doc="name of the microphone")
    imu: str = parameter("body", doc="name of the IMU")
    width_px: int = parameter(0, doc="width to scale to; 0: native", unit="px", low=0, high=8192)
    height_px: int = parameter(0, doc="height to scale to; 0: native", unit="px", low=0, high=8192)
    jpeg_quality: int = parameter(85, doc="of compressed frames", low=1, high=100)
    max_camera_rate_hz: float = _limit("frames", 240.0)
    max_imu_rate_hz: float = _limit("readings", 400.0)


@dataclass(frozen=True)
class CameraParameters(MountedParameters):
    """One camera."""

    name: str = parameter("front", doc="name of the camera, in its topics")
    backend: str = parameter(
        "auto",
        doc="v4l2, file, topic, synthetic, auto (the first v4l2 device, once there is one), or one "
        "that a package offers in entry point group sage.camera_backends",
    )
    device: str = parameter("", doc="device of v4l2; empty: the first under /dev/video* that opens")
    path: str = parameter("", doc="media file of backend file")
    loop: bool = parameter(True, doc="start the file again at its end")
    topic: str = parameter("", doc="foreign topic of backend topic; ending in compressed: JPEG/PNG")
    width_px: int = parameter(0, doc="width to ask for; 0: native", unit="px", low=0, high=8192)
    height_px: int = parameter(0, doc="height to ask for; 0: native", unit="px", low=0, high=8192)
    rate_hz: float = parameter(
        30.0, doc="frame rate; of a topic: the one expected", unit="Hz", low=0.1, high=240.0
    )
    seed: int = parameter(0, doc="of the synthetic scene", low=0, high=2**31 - 1)
    frame_id: str = parameter("", doc="TF frame; empty: camera_<name>_optical_frame")
    jpeg_quality: int = parameter(85, doc="of compressed frames", low=1, high=100)
    max_camera_rate_hz: float = _limit("frames", 240.0)


@dataclass(frozen=True)
class MicrophoneParameters(MountedParameters):
    """One microphone."""

    name: str = parameter("front", doc="name of the microphone, in its topics")
    backend: str = parameter(
        "auto",
        doc="portaudio, file, topic, synthetic, or auto (portaudio, once there is a microphone)",
        choices=("auto", "portaudio", "file", "topic", "synthetic"),
    )
    device: str = parameter("", doc="part of PortAudio's name of the device, or its number")
    path: str = parameter("", doc="media file of backend file")
    loop: bool = parameter(True, doc="start the file again at its end")
    topic: str = parameter("", doc="foreign AudioDataStamped topic of backend topic")
    topic_sample_rate_hz: int = parameter(
        16000, doc="sample rate of the foreign topic", unit="Hz", low=8000, high=192000
    )
    topic_sample_format: str = parameter(
        "F32LE", doc="sample format of the foreign topic", choices=("F32LE", "S16LE", "S32LE")
    )
    topic_channels: int = parameter(1, doc="channels of the foreign topic", low=1, high=32)
    seed: int = parameter(0, doc="of the synthetic sound", low=0, high=2**31 - 1)
    frame_id: str = parameter("", doc="TF frame; empty: microphone_<name>")


@dataclass(frozen=True)
class ImuParameters(MountedParameters):
    """One inertial measurement unit."""

    name: str = parameter("body", doc="name of the IMU, in its topic")
    backend: str = parameter(
        "auto",
        doc="iio, file, topic, synthetic, or auto (iio, once there is an IMU)",
        choices=("auto", "iio", "file", "topic", "synthetic"),
    )
    device: str = parameter("", doc="folder or name of the iio device; empty: the first that fits")
    iio_root: str = parameter("/sys/bus/iio/devices", doc="where the kernel lists iio devices")
    path: str = parameter("", doc="CSV file of backend file; columns as in InertialTable")
    loop: bool = parameter(True, doc="start the file again at its end")
    topic: str = parameter("", doc="foreign Imu topic of backend topic")
    rate_hz: float = parameter(
        100.0,
        doc="readings per second; of a topic: the ones expected",
        unit="Hz",
        low=1.0,
        high=400.0,
    )
    seed: int = parameter(0, doc="of the synthetic walk", low=0, high=2**31 - 1)
    frame_id: str = parameter("", doc="TF frame; empty: imu_link")
    gyro_std_rad_s: float = parameter(
        0.0, doc="noise of a rate; 0: unknown", unit="rad/s", low=0.0, high=10.0
    )
    accel_std_m_s2: float = parameter(
        0.0, doc="noise of an acceleration; 0: unknown", unit="m/s^2", low=0.0, high=100.0
    )
    max_imu_rate_hz: float = _limit("readings", 400.0)


@dataclass(frozen=True)
class TextParameters(NodeParameters):
    """Words from standard input or a file."""

    backend: str = parameter("stdin", doc="stdin or file", choices=("stdin", "file"))
    path: str = parameter("", doc="SRT file of backend file")
    loop: bool = parameter(False, doc="start the file again at its end")
    speaker: str = parameter("", doc="who is said to speak")
    language: str = parameter("", doc="BCP 47 tag of the language")


@dataclass(frozen=True)
class SpeakerParameters(NodeParameters):
    """A program that says words aloud."""

    program: str = parameter(
        "auto",
        doc="what speaks: flite, espeak-ng, or auto (the first of them that is installed)",
        choices=("auto", "flite", "espeak-ng"),
    )
