"""Parameters of the memory node."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.parameters import NodeParameters, parameter


@dataclass(frozen=True)
class MemoryParameters(NodeParameters):
    """Parameters of the memory node."""

    modalities: tuple[str, ...] = parameter(
        ("vision", "audio", "language", "proprioception"), doc="modalities that are remembered"
    )
    device_id: str = parameter(
        "", doc="name of this device in every record; empty: as the store says, or from the host"
    )
    payloads: bool = parameter(
        True, doc="keep the picture, sound or motion of a moment; false: subscribe none of them"
    )
    camera: str = parameter("front", doc="camera whose pictures are kept")
    microphone: str = parameter("front", doc="microphone whose sound is kept")
    imu: str = parameter("body", doc="IMU whose motion is kept")
    payload_cap_mb: float = parameter(
        500.0, doc="most bytes of all payloads; the least recently used go", unit="MB", low=0.0
    )
    min_free_mb: float = parameter(
        200.0, doc="no payloads when the disk would have less left than this", unit="MB", low=0.0
    )
    queue_size: int = parameter(
        256, doc="experiences that may wait for the disk; more are refused", low=1, high=65536
    )
    buffer_items: int = parameter(
        10, doc="moments a modality's short-term buffer holds", low=1, high=1000
    )
    newer_items: int = parameter(
        3, doc="moments that must follow one before it is judged, fewer than buffer_items", low=0
    )
    salience_floor: float = parameter(
        0.3, doc="less salient moments are never kept", low=0.0, high=1.0
    )
    spacing_s: float = parameter(
        1.0,
        doc="least time between two kept moments of a modality",
        unit="s",
        low=0.01,
        high=3600.0,
    )
    words_window_s: float = parameter(
        10.0, doc="words go with what happens up to this long after them", unit="s", low=0.0
    )
