"""The modalities that SAGE's own encoders make: camera, sound, words and body."""

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
