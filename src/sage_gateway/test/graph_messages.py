"""Messages as the graph sends them to the gateway."""

from __future__ import annotations

import hashlib

from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import (
    Experience,
    FusedSalience,
    Salience,
)

FLAC = b"fLaC" + bytes(100)
ID = "01932c07-58f1-7d3a-9c2e-5a1b0f6e4d21"


def header(stamp_s: float) -> Header:
    return Header(stamp=to_stamp(round(stamp_s * 1e9)))


def fused(stamp_s: float) -> FusedSalience:
    seen = Salience(modality="vision", source="front", total=0.6, novelty=0.7, valid=True)
    seen.reason, seen.grid_rows, seen.grid_columns, seen.grid = "novelty", 2, 1, [0.0, 1.0]
    seen.header, seen.alarms_per_hour, seen.p_value = header(stamp_s), 1.0, 0.5
    message = FusedSalience(header=header(stamp_s), total=0.6, valid=True, modalities=[seen])
    message.weights, message.reason, message.dominant_modality = [1.0], "vision: novelty", "vision"
    message.trigger_modality, message.alarms_per_hour = "vision", 1.0
    return message


def experience() -> Experience:
    message = Experience(id=ID, modality="audio", source="front", total=0.6, reason="it was loud")
    message.payload_sha256 = hashlib.sha256(FLAC).hexdigest()
    message.payload_media_type, message.encoder_id = "audio/flac", "e 1 0123456789ab"
    message.device_id, message.schema_version = "robot", 1
    return message
