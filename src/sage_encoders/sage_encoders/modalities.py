"""The modalities that SAGE's own encoders make.

Camera, sound, words and body are part of every graph; those of standard robot messages are where a
parameter file names them, for instance `modalities: {scan: {topic: /scan}}`.
"""

from __future__ import annotations

from typing import Any

from sage_common.core.specs.modality import ModalitySpec

NODES = "sage_encoders.nodes"


def _spec(name: str, noun: str, nodes: str = NODES, **fields: Any) -> ModalitySpec:
    """The spec of a modality whose encoder is `NOUNEncoderNode` in a module of `nodes`."""
    return ModalitySpec(
        name=name,
        encoder=f"{nodes}.{name}_encoder_node:{noun}EncoderNode",
        executable=f"sage_encoders/{name}_encoder_node",
        parameters_class=f"sage_encoders.params:{noun}EncoderParameters",
        **fields,
    )


def _robot(name: str, noun: str, module: str = "", **fields: Any) -> ModalitySpec:
    """The spec of a modality of standard robot messages; `module` encodes them, else NAME."""
    places = f"sage_encoders.core.robot.{module or name}:PLACES"
    return _spec(name, noun, f"{NODES}.robot", places=places, on=False, **fields)


VISION = _spec(
    "vision",
    "Vision",
    meaning="pictures of a camera",
    stream="camera",
    rate_hz=30.0,
    payload="picture",
    embedder="sage_encoders.nodes.payload_embedders:pictures",
    order=10,
)
AUDIO = _spec(
    "audio",
    "Audio",
    meaning="sound of a microphone",
    stream="microphone",
    rate_hz=10.0,
    layout="scroll",
    places="sage_encoders.core.places:SOUND",
    window_s=1.0,
    payload="sound",
    embedder="sage_encoders.nodes.payload_embedders:sounds",
    order=20,
)
LANGUAGE = _spec(
    "language",
    "Language",
    meaning="words, typed, read or recognised",
    stream="text",
    rate_hz=0.0,
    places="sage_encoders.core.places:WORDS",
    words=True,
    payload="none",
    embedder="sage_encoders.nodes.payload_embedders:texts",
    order=30,
)
PROPRIOCEPTION = _spec(
    "proprioception",
    "Proprioception",
    meaning="motion of the body: attitude, rates, accelerations and joints",
    stream="imu",
    rate_hz=20.0,
    layout="body",
    summary=3,
    places="sage_encoders.core.places:BODY",
    window_s=1.0,
    payload="motion",
    order=40,
)
SCAN = _robot(
    "scan",
    "LaserScan",
    meaning="what a laser scanner has around it: bearing and distance",
    topic="/scan",
    type="sensor_msgs/msg/LaserScan",
    rate_hz=10.0,
    module="laser_scan",
    order=50,
)
CLOUD = _robot(
    "cloud",
    "PointCloud",
    meaning="what a lidar or depth camera has around it: bearing, elevation and nearness",
    topic="/points",
    type="sensor_msgs/msg/PointCloud2",
    rate_hz=10.0,
    module="range_image",
    order=51,
)
ODOMETRY = _robot(
    "odometry",
    "Odometry",
    meaning="how the robot moves: speeds, accelerations, tilt and slip",
    topic="/odom",
    type="nav_msgs/msg/Odometry",
    rate_hz=20.0,
    layout="scroll",
    window_s=3.0,
    order=52,
)
BATTERY = _robot(
    "battery",
    "Battery",
    meaning="how the battery is: voltage, sag, current, charge, temperature, cells",
    topic="/battery_state",
    type="sensor_msgs/msg/BatteryState",
    rate_hz=1.0,
    layout="scroll",
    window_s=60.0,
    order=53,
)
DIAGNOSTICS = _robot(
    "diagnostics",
    "Diagnostics",
    meaning="health of the robot's parts, the worst in words",
    topic="/diagnostics",
    type="diagnostic_msgs/msg/DiagnosticArray",
    rate_hz=1.0,
    layout="scroll",
    window_s=30.0,
    order=54,
)
