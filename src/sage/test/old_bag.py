"""A bag as a version of SAGE recorded it that knew no false alarms an hour."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mcap.writer import Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore
from small_bag import START_NS, small_bag

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.reader import open_bag
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.definitions import typestore

SALIENCE = "sage_msgs/msg/Salience"
FUSED = "sage_msgs/msg/FusedSalience"
DEFINITIONS = {
    SALIENCE: """\
std_msgs/Header header
string modality
string source
float32 surprise
float32 novelty
float32 arousal
float32 reward
float32 conflict
bool conflict_known
float32 total
uint16 grid_rows
uint16 grid_columns
float32[] grid
uint64 neighbour_id
float32 neighbour_age_s
float32 neighbour_distance
float32 prediction_error
float32 usual_error
float32 habituation
float32 cross_error
float32 cross_usual_error
float32 cross_skill
string reason
bool valid
string invalid_reason
""",
    FUSED: """\
std_msgs/Header header
string trigger_modality
float32 surprise
float32 novelty
float32 arousal
float32 reward
float32 conflict
float32 total
string dominant_modality
Salience[] modalities
float32[] weights
string reason
float32 latency_ms
bool valid
string invalid_reason
""",
}


def old_bag(folder: Path, hashes: Mapping[str, str] | None = None) -> Path:
    """Two seconds of what the sensors sent, as of today, and of old salience beside it.

    Args:
        hashes: of the types of sensor topics, if not as of today.
    """
    new = open_bag(small_bag(folder / "new"))
    path = folder / "old.mcap"
    with path.open("xb") as stream:
        writer = Writer(stream)
        writer.start(profile="ros2", library="sage")
        for topic in new.topics.values():
            type_hash = (hashes or {}).get(topic.name, topic.type_hash)
            channel = _channel(writer, typestore(), topic.name, topic.type_name, type_hash)
            for message in new.messages([topic.name]):
                writer.add_message(channel, message.time_ns, message.data, message.time_ns)
        _add_salience(writer)
        writer.finish()
    return path


def _add_salience(writer: Writer) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, name))
    channels = {
        name: _channel(writer, store, topic, name, store.hash_rihs01(name))
        for name, topic in ((SALIENCE, "/sage/audio/salience"), (FUSED, "/sage/salience"))
    }
    for tick in range(1, 20):
        time_ns = START_NS + tick * NS_PER_S // 10
        salience = _made(store, SALIENCE, time_ns, modality="audio", total=0.9, reason="a bang")
        fused = _made(store, FUSED, time_ns, trigger_modality="audio", dominant_modality="audio",
                      total=0.8, reason="a bang", modalities=[salience])  # fmt: skip
        for message in (salience, fused):
            data = bytes(store.serialize_cdr(message, message.__msgtype__))
            writer.add_message(channels[message.__msgtype__], time_ns, data, time_ns)


def _made(store: Typestore, name: str, time_ns: int, **fields: Any) -> Any:
    """A message of a definition of `store`: these fields, and zeros."""
    types = store.types
    seconds, rest_ns = divmod(time_ns, NS_PER_S)
    stamp = types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=rest_ns)
    empty = {"string": "", "bool": False, "Salience[]": []}
    values: dict[str, Any] = {"header": types["std_msgs/msg/Header"](stamp=stamp, frame_id="")}
    for kind, field in (line.split() for line in DEFINITIONS[name].splitlines()[1:]):
        values[field] = np.zeros(0, np.float32) if kind == "float32[]" else empty.get(kind, 0)
    return types[name](**{**values, "valid": True, **fields})


def _channel(writer: Writer, store: Typestore, name: str, type_name: str, type_hash: str) -> int:
    text, _ = store.generate_msgdef(type_name, ros_version=2)
    metadata = {
        "offered_qos_profiles": QOS_BY_PROFILE["standard"].as_yaml(),
        "topic_type_hash": type_hash,
    }
    schema = writer.register_schema(type_name, "ros2msg", text.encode())
    return int(writer.register_channel(name, "cdr", schema, metadata))
