"""Parameters of the encoder nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.tiles import TILE_PX
from sage_common.core.transport import TRANSPORTS
from sage_encoders.modalities import BATTERY, CLOUD, DIAGNOSTICS, ODOMETRY, PROPRIOCEPTION, SCAN


def _modality(spec: ModalitySpec) -> Any:
    return parameter(spec.name, doc="modality of the puzzles, which names their topic")


def _topic(spec: ModalitySpec) -> Any:
    return parameter(spec.topic, doc=f"{spec.type.replace('/msg', '')} topic")


def _rate_hz(spec: ModalitySpec) -> Any:
    doc = "puzzles a second at most, while messages come"
    return parameter(spec.rate_hz, doc=doc, unit="Hz", low=0.1, high=100.0)


@dataclass(frozen=True)
class ModelParameters(NodeParameters):
    """Parameters of every encoder that runs a network."""

    models_dir: str = parameter(
        "", doc="folder of the models; empty: $SAGE_MODELS or the installed ones"
    )
    provider: str = parameter(
        "auto",
        doc="what runs the network; auto: the first of TensorRT, CUDA and CPU that is there",
        choices=("auto", "tensorrt", "cuda", "cpu"),
    )
    threads: int = parameter(1, doc="compute threads of one run", low=1, high=64)
    precision: str = parameter(
        "auto",
        doc="weights to load; auto: the fastest that keeps its quality, as the model's card says",
        choices=("auto", "fp32", "fp16", "int8"),
    )
    load: str = parameter(
        "activate",
        doc="when the model is loaded: as the node becomes active, or with its first input",
        choices=("activate", "demand"),
    )
    idle_unload_s: float = parameter(
        0.0,
        doc="with load demand: time without input after which the model leaves again; 0: never",
        unit="s",
        low=0.0,
        high=86400.0,
    )


@dataclass(frozen=True)
class VisionEncoderParameters(ModelParameters):
    """Pictures of one camera."""

    camera: str = parameter("front", doc="name of the camera")
    transport: str = parameter(
        "auto",
        doc="how pictures come; auto: out of the camera's mailbox, and as images where that "
        "cannot be looked into",
        choices=TRANSPORTS,
    )
    fit: str = parameter(
        "crop",
        doc="how a picture becomes a square: largest centred square, or black bars",
        choices=("crop", "letterbox"),
    )
    tiles_rate_hz: float = parameter(
        10.0,
        doc="how often the salience of all tiles is published through a mailbox; 0: never",
        unit="Hz",
        low=0.0,
        high=60.0,
    )
    tile_px: int = parameter(
        TILE_PX, doc="side of these tiles, about", unit="px", low=32, high=1024
    )


@dataclass(frozen=True)
class AudioEncoderParameters(ModelParameters):
    """Sound of one microphone."""

    microphone: str = parameter("front", doc="name of the microphone")


@dataclass(frozen=True)
class LanguageEncoderParameters(ModelParameters):
    """Utterances, and the service that embeds texts."""

    backend: str = parameter(
        "onnx_int8",
        doc="all-MiniLM-L6-v2 in int8 on ONNX Runtime, or in PyTorch; auto: PyTorch where "
        "requirements/thor.in is installed, else ONNX with a warning",
        choices=("onnx_int8", "sentence_transformers", "auto"),
    )


@dataclass(frozen=True)
class ProprioceptionEncoderParameters(NodeParameters):
    """One IMU and the joints."""

    imu: str = parameter("body", doc="name of the IMU")
    rate_hz: float = parameter(
        PROPRIOCEPTION.rate_hz, doc="puzzles a second", unit="Hz", low=1.0, high=100.0
    )
    joint_parts: tuple[str, ...] = parameter(
        (),
        doc="joint=part for joints whose name does not say where they are: head, torso, "
        "upper, lower, effectors",
    )


@dataclass(frozen=True)
class LaserScanEncoderParameters(NodeParameters):
    """One laser scanner."""

    modality: str = _modality(SCAN)
    topic: str = _topic(SCAN)


@dataclass(frozen=True)
class PointCloudEncoderParameters(NodeParameters):
    """One lidar or depth camera."""

    modality: str = _modality(CLOUD)
    topic: str = _topic(CLOUD)
    ignored_m: float = parameter(
        0.3,
        doc="points nearer to the sensor than this are the robot's own body",
        unit="m",
        low=0.0,
        high=10.0,
    )
    axes: str = parameter(
        "auto",
        doc="axes of the points: a body's (x ahead) or a camera's (z ahead); auto: a camera's if "
        "the frame's name ends in _optical or _optical_frame (REP-103)",
        choices=("auto", "body", "optical"),
    )


@dataclass(frozen=True)
class OdometryEncoderParameters(NodeParameters):
    """One source of odometry."""

    modality: str = _modality(ODOMETRY)
    topic: str = _topic(ODOMETRY)
    rate_hz: float = _rate_hz(ODOMETRY)


@dataclass(frozen=True)
class BatteryEncoderParameters(NodeParameters):
    """One battery."""

    modality: str = _modality(BATTERY)
    topic: str = _topic(BATTERY)
    rate_hz: float = _rate_hz(BATTERY)


@dataclass(frozen=True)
class DiagnosticsEncoderParameters(NodeParameters):
    """The health of the robot's parts."""

    modality: str = _modality(DIAGNOSTICS)
    topic: str = _topic(DIAGNOSTICS)
    rate_hz: float = _rate_hz(DIAGNOSTICS)
    stale_s: float = parameter(
        10.0,
        doc="silence of a part after which it counts as STALE",
        unit="s",
        low=1.0,
        high=3600.0,
    )
    ignored: tuple[str, ...] = parameter(
        ("/sage/",),
        doc="parts whose names begin so are left out; SAGE's own report what the others did to it",
    )
