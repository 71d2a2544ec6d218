"""The modalities that SAGE's own encoders make.

Camera, sound, words and body are part of every graph; those of standard robot messages are where a
parameter file names them, for instance `modalities: {scan: {topic: /scan}}`.
"""

from __future__ import annotations

from sage_common.core.specs.modality import ModalitySpec

VISION = ModalitySpec(
    name="vision",
    meaning="pictures of a camera",
    encoder="sage_encoders.nodes.vision_encoder_node:VisionEncoderNode",
    stream="camera",
    rate_hz=30.0,
    payload="picture",
    embedder="sage_encoders.nodes.payload_embedders:pictures",
    executable="sage_encoders/vision_encoder_node",
    parameters_class="sage_encoders.params:VisionEncoderParameters",
    order=10,
)
AUDIO = ModalitySpec(
    name="audio",
    meaning="sound of a microphone",
    encoder="sage_encoders.nodes.audio_encoder_node:AudioEncoderNode",
    stream="microphone",
    rate_hz=10.0,
    layout="scroll",
    places="sage_encoders.core.places:SOUND",
    window_s=1.0,
    payload="sound",
    embedder="sage_encoders.nodes.payload_embedders:sounds",
    executable="sage_encoders/audio_encoder_node",
    parameters_class="sage_encoders.params:AudioEncoderParameters",
    order=20,
)
LANGUAGE = ModalitySpec(
    name="language",
    meaning="words, typed, read or recognised",
    encoder="sage_encoders.nodes.language_encoder_node:LanguageEncoderNode",
    stream="text",
    rate_hz=0.0,
    places="sage_encoders.core.places:WORDS",
    words=True,
    payload="none",
    embedder="sage_encoders.nodes.payload_embedders:texts",
    executable="sage_encoders/language_encoder_node",
    parameters_class="sage_encoders.params:LanguageEncoderParameters",
    order=30,
)
PROPRIOCEPTION = ModalitySpec(
    name="proprioception",
    meaning="motion of the body: attitude, rates, accelerations and joints",
    encoder="sage_encoders.nodes.proprioception_encoder_node:ProprioceptionEncoderNode",
    stream="imu",
    rate_hz=20.0,
    layout="body",
    places="sage_encoders.core.places:BODY",
    window_s=1.0,
    payload="motion",
    executable="sage_encoders/proprioception_encoder_node",
    parameters_class="sage_encoders.params:ProprioceptionEncoderParameters",
    order=40,
)

SCAN = ModalitySpec(
    name="scan",
    meaning="what a laser scanner has around it: bearing and distance",
    encoder="sage_encoders.nodes.robot.scan_encoder_node:LaserScanEncoderNode",
    topic="/scan",
    type="sensor_msgs/msg/LaserScan",
    rate_hz=10.0,
    places="sage_encoders.core.robot.laser_scan:PLACES",
    executable="sage_encoders/scan_encoder_node",
    parameters_class="sage_encoders.params:LaserScanEncoderParameters",
    on=False,
    order=50,
)
CLOUD = ModalitySpec(
    name="cloud",
    meaning="what a lidar or depth camera has around it: bearing, elevation and nearness",
    encoder="sage_encoders.nodes.robot.cloud_encoder_node:PointCloudEncoderNode",
    topic="/points",
    type="sensor_msgs/msg/PointCloud2",
    rate_hz=10.0,
    places="sage_encoders.core.robot.range_image:PLACES",
    executable="sage_encoders/cloud_encoder_node",
    parameters_class="sage_encoders.params:PointCloudEncoderParameters",
    on=False,
    order=51,
)
ODOMETRY = ModalitySpec(
    name="odometry",
    meaning="how the robot moves: speeds, accelerations, tilt and slip",
    encoder="sage_encoders.nodes.robot.odometry_encoder_node:OdometryEncoderNode",
    topic="/odom",
    type="nav_msgs/msg/Odometry",
    rate_hz=10.0,
    layout="scroll",
    places="sage_encoders.core.robot.odometry:PLACES",
    window_s=3.0,
    executable="sage_encoders/odometry_encoder_node",
    parameters_class="sage_encoders.params:OdometryEncoderParameters",
    on=False,
    order=52,
)
BATTERY = ModalitySpec(
    name="battery",
    meaning="how the battery is: voltage, sag, current, charge, temperature, cells",
    encoder="sage_encoders.nodes.robot.battery_encoder_node:BatteryEncoderNode",
    topic="/battery_state",
    type="sensor_msgs/msg/BatteryState",
    rate_hz=1.0,
    layout="scroll",
    places="sage_encoders.core.robot.battery:PLACES",
    window_s=60.0,
    executable="sage_encoders/battery_encoder_node",
    parameters_class="sage_encoders.params:BatteryEncoderParameters",
    on=False,
    order=53,
)
DIAGNOSTICS = ModalitySpec(
    name="diagnostics",
    meaning="health of the robot's parts, the worst in words",
    encoder="sage_encoders.nodes.robot.diagnostics_encoder_node:DiagnosticsEncoderNode",
    topic="/diagnostics",
    type="diagnostic_msgs/msg/DiagnosticArray",
    rate_hz=1.0,
    layout="scroll",
    places="sage_encoders.core.robot.diagnostics:PLACES",
    window_s=30.0,
    executable="sage_encoders/diagnostics_encoder_node",
    parameters_class="sage_encoders.params:DiagnosticsEncoderParameters",
    on=False,
    order=54,
)
