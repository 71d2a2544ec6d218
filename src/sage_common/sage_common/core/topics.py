"""The registry: every topic, service and action stands here once.

Publishers, subscriptions, health checks, the recorder's default list and `docs/topics.md`
come from it. Names are relative to the namespace of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from sage_common.core.errors import nearest_name
from sage_common.core.specs.modality import STREAMS, ModalitySpecs

READ_WORDS = "read"
"""`frame_id` of words that were read in a picture, and source of the percept made of them."""
HEARD_WORDS = "listen"
"""The same of words that were understood in sound."""


@dataclass(frozen=True)
class TopicSpec:
    """One topic.

    Attributes:
        key: how code names it.
        name: topic name; `{name}` and `{modality}` are filled in by the node.
        type: interface, `package/msg/Type`.
        qos: one of the profiles sensor, standard, latched, static, bulk.
        rate_hz: nominal rate; 0 for events.
        max_age_s: a newer message must come within this time; 0: no limit.
        stamp_checked: messages whose stamp is in the future or too old are dropped.
        recorded: the recorder takes it by default.
        flow: from whom to whom.
        doc: what it carries.
        zero_is_now: a stamp of 0 means the time of reception: people type such messages.
    """

    key: str
    name: str
    type: str
    qos: str
    rate_hz: float
    max_age_s: float
    stamp_checked: bool
    recorded: bool
    flow: str
    doc: str
    zero_is_now: bool = False


@dataclass(frozen=True)
class ServiceSpec:
    """One service or action: how code names it, its name, its interface, and what it is for."""

    key: str
    type: str
    server: str
    doc: str


# fmt: off
_TOPICS = (
    # key, name, type, qos, rate, max age, stamp checked, recorded, flow, doc
    TopicSpec("camera/image_raw", "camera/{name}/image_raw", "sensor_msgs/msg/Image",
              "sensor", 30.0, 0.5, True, False,
              "camera, recording -> rviz; vision encoder, orchestrator, memory without mailbox",
              "frames at native size; published only while somebody subscribes"),
    TopicSpec("camera/tensor", "camera/{name}/tensor", "sage_msgs/msg/TensorHandle",
              "bulk", 30.0, 0.5, True, False,
              "camera, recording -> vision encoder, orchestrator, memory",
              "where the same frames lie in shared memory; published only while somebody "
              "subscribes; a reader that comes 12 frames late (0.4 s) loses none"),
    TopicSpec("camera/compressed", "camera/{name}/image_raw/compressed",
              "sensor_msgs/msg/CompressedImage",
              "sensor", 30.0, 0.5, True, True, "camera, recording -> recorder, rviz",
              "the same frames as JPEG; published only while somebody subscribes"),
    TopicSpec("camera/info", "camera/{name}/camera_info", "sensor_msgs/msg/CameraInfo",
              "sensor", 30.0, 0.5, True, True, "camera, recording -> attention, status",
              "one for each frame, with its stamp, whether or not the frame is published"),
    TopicSpec("microphone/audio", "microphone/{name}/audio",
              "audio_common_msgs/msg/AudioDataStamped",
              "sensor", 10.0, 0.5, True, True,
              "microphone, recording -> audio encoder, memory, orchestrator",
              "100 ms of mono float32 (F32LE) at 16 kHz; stamp: capture time of the last sample"),
    TopicSpec("microphone/info", "microphone/{name}/info", "audio_common_msgs/msg/AudioInfo",
              "latched", 0.0, 0.0, False, True,
              "microphone, recording -> audio encoder, memory, orchestrator",
              "format of the samples"),
    TopicSpec("imu/data", "imu/{name}/data", "sensor_msgs/msg/Imu",
              "sensor", 100.0, 0.5, True, True, "imu, recording -> proprioception encoder, memory",
              "REP-145 frames; orientation_covariance[0] = -1 where orientation is unknown"),
    TopicSpec("joint_states", "joint_states", "sensor_msgs/msg/JointState",
              "sensor", 0.0, 0.0, True, True, "robot -> proprioception encoder",
              "positions, velocities and efforts of the joints"),
    TopicSpec("pose", "pose", "geometry_msgs/msg/PoseWithCovarianceStamped",
              "standard", 0.0, 0.0, False, True, "localisation -> memory",
              "where the robot is; remap it to the pose of your localisation, such as /amcl_pose",
              zero_is_now=True),
    TopicSpec("text", "text", "sage_msgs/msg/Utterance",
              "standard", 0.0, 0.0, True, True,
              "text, recording, people, orchestrator -> language encoder, memory, orchestrator",
              "words, typed, read or recognised; frame_id: a plugin that recognised them, or empty",
              zero_is_now=True),
    TopicSpec("speak", "speak", "std_msgs/msg/String",
              "standard", 0.0, 0.0, False, False, "people, effectors -> speaker",
              "words to say aloud, instead of those that are being said; empty: silence"),
    TopicSpec("speaking", "speaking", "sage_msgs/msg/Utterance",
              "standard", 0.0, 0.0, True, True, "speaker -> orchestrator",
              "words that are being said aloud: sent when they begin, four times a second, and "
              "when they have ended; what is heard meanwhile is not listened to"),
    TopicSpec("vector", "vector/{name}", "std_msgs/msg/Float32MultiArray",
              "sensor", 0.0, 0.0, False, True, "drivers, people -> vector scorers",
              "any vector, of one size for ever; it has no stamp, so the time of reception counts"),
    TopicSpec("puzzle", "{modality}/puzzle", "sage_msgs/msg/Puzzle",
              "standard", 0.0, 1.0, True, True, "encoders -> scorers, fusion, memory, orchestrator",
              "30x30 ordered codes and an embedding"),
    TopicSpec("salience", "{modality}/salience", "sage_msgs/msg/Salience",
              "standard", 0.0, 1.0, True, True, "scorers -> fusion, rviz",
              "five dimensions, total, grid and reason; one for each puzzle"),
    TopicSpec("fused_salience", "salience", "sage_msgs/msg/FusedSalience",
              "standard", 0.0, 1.0, True, True, "fusion -> orchestrator, memory, attention, status",
              "salience over all modalities; one for each salience message"),
    TopicSpec("salience_peak", "salience/peak", "sage_msgs/msg/FusedSalience",
              "standard", 0.0, 3.0, True, False, "fusion -> gateway, sage run",
              "the most salient message of each second, for who need not hear them all"),
    TopicSpec("fusion/weights", "fusion/weights", "sage_msgs/msg/FusionWeights",
              "latched", 0.0, 0.0, False, True, "fusion -> status, rqt",
              "what fusion has learned from outcomes; sent at start and after every outcome"),
    TopicSpec("attention", "attention", "sage_msgs/msg/Attention",
              "standard", 10.0, 1.0, True, True, "attention -> orchestrator, effectors",
              "where to look, listen or feel next"),
    TopicSpec("budget", "budget", "sage_msgs/msg/BudgetState",
              "latched", 10.0, 1.0, True, True, "orchestrator -> status, rqt",
              "who got how much compute in the last cycle, and what it did with it"),
    TopicSpec("budget_sum", "budget/sum", "sage_msgs/msg/BudgetState",
              "latched", 0.0, 0.0, True, False, "orchestrator -> gateway",
              "the cycles that ended in each second, added up, for who need not hear them all"),
    TopicSpec("state", "state", "sage_msgs/msg/MetabolicState",
              "latched", 0.0, 0.0, False, True, "orchestrator -> all that it governs, status",
              "the metabolic state, why, and the policy in force; sent with every transition, and "
              "when the energy reserve has changed by 1 %"),
    TopicSpec("battery_state", "battery_state", "sensor_msgs/msg/BatteryState",
              "sensor", 0.0, 0.0, True, True, "robot -> orchestrator",
              "the charge of the battery; remap it to your robot's, such as /battery_state",
              zero_is_now=True),
    TopicSpec("refinement", "refinement", "sage_msgs/msg/Refinement",
              "standard", 0.0, 0.0, False, True, "orchestrator -> status, people",
              "what a plugin made of a percept: its answer in words, energies, cost, and why it "
              "stopped; one for each run that had something to work on"),
    TopicSpec("classes", "{modality}/classes", "vision_msgs/msg/Classification",
              "standard", 0.0, 0.0, False, True, "orchestrator -> memory, people",
              "what a plugin recognised in a percept: names of classes with calibrated "
              "probabilities, best first; frame_id: source of the percept"),
    TopicSpec("detections", "{modality}/detections", "vision_msgs/msg/Detection2DArray",
              "standard", 0.0, 0.0, False, True, "orchestrator -> memory, rviz",
              "the same of parts of a picture, each with its box in pixels of the native picture"),
    TopicSpec("label_info", "{modality}/label_info", "vision_msgs/msg/LabelInfo",
              "static", 0.0, 0.0, False, True, "orchestrator -> memory",
              "the classes that a model of the two above knows; frame_id: the model; sent when "
              "it first recognises something"),
    TopicSpec("experience", "experience", "sage_msgs/msg/Experience",
              "standard", 0.0, 0.0, False, True, "memory -> status",
              "a moment that was kept; sent after it was committed and synced"),
    TopicSpec("outcome", "outcome", "sage_msgs/msg/Outcome",
              "standard", 0.0, 0.0, True, True,
              "people, effectors, tests -> scorers, fusion, orchestrator",
              "how well something turned out; without time span (start, end), experience_id and "
              "plugin: the second up to its stamp", zero_is_now=True),
    TopicSpec("pressure", "pressure", "sage_msgs/msg/ResourcePressure",
              "latched", 0.0, 0.0, False, True,
              "governor -> sensors, encoders, orchestrator, memory",
              "how tight memory is, when it changes and every 10 s; nodes release what they can, "
              "the cheapest first"),
    TopicSpec("markers", "markers", "visualization_msgs/msg/MarkerArray",
              "standard", 10.0, 1.0, False, False, "attention -> rviz",
              "salience bars and reasons; published only while somebody subscribes"),
    TopicSpec("heatmap", "heatmap", "sensor_msgs/msg/Image",
              "sensor", 10.0, 1.0, True, False, "attention -> rviz",
              "salience grid as a colour image; published only while somebody subscribes"),
)

_SERVICES = (
    ServiceSpec("memory/store", "sage_msgs/srv/StoreExperience", "memory", "keep this moment now"),
    ServiceSpec("memory/name_place", "sage_msgs/srv/NamePlace", "memory",
                "name the place where the robot is now, or forget a place"),
    ServiceSpec("memory/teach", "sage_msgs/srv/TeachWord", "memory",
                "teach a word with examples, or forget one"),
    ServiceSpec("memory/recall", "sage_msgs/srv/Recall", "memory",
                "ask by text, example, time, salience, place, entity, modality, device, and their "
                "conjunctions"),
    ServiceSpec("memory/checkpoint", "sage_msgs/srv/Checkpoint", "memory",
                "write all that was learned, by every node, to disk now"),
    ServiceSpec("~/save_state", "sage_msgs/srv/Checkpoint", "every node that learns",
                "write its own learned state to disk now; memory/checkpoint asks all of them"),
    ServiceSpec("~/reclaimables", "sage_msgs/srv/ListReclaimables",
                "every node that can give memory back",
                "what it could give back, and how much that is; sage profile asks all of them"),
    ServiceSpec("~/change_state", "lifecycle_msgs/srv/ChangeState", "every node",
                "configure, activate, deactivate or clean up, as ROS 2 has it; the governor "
                "deactivates nodes when memory is tight, and activates them again"),
    ServiceSpec("~/get_state", "lifecycle_msgs/srv/GetState", "every node",
                "its state, as ROS 2 has it"),
    ServiceSpec("governor/force_level", "sage_msgs/srv/ForcePressure", "governor",
                "set the level of memory pressure by hand, for a time, or end that"),
    ServiceSpec("memory/pin", "sage_msgs/srv/SetPin", "memory",
                "pin an experience, which is then never evicted, or unpin it"),
    ServiceSpec("memory/forget", "sage_msgs/srv/Forget", "memory",
                "remove experiences for good, payloads too"),
    ServiceSpec("memory/undo_sleep", "sage_msgs/srv/UndoSleep", "memory",
                "restore what a sleep evicted"),
    ServiceSpec("salience/explain", "sage_msgs/srv/Explain", "fusion",
                "why a recent moment was or was not salient; grids are left out, modalities that "
                "were not live follow with weight 0"),
    ServiceSpec("orchestrator/set_trust", "sage_msgs/srv/SetTrust", "orchestrator",
                "set the trust of a plugin"),
    ServiceSpec("orchestrator/load_plugin", "sage_msgs/srv/LoadPlugin", "orchestrator",
                "load an installed plugin, or replace one that is loaded when its running work "
                "has ended; its trust and what it owes stay"),
    ServiceSpec("orchestrator/unload_plugin", "sage_msgs/srv/UnloadPlugin", "orchestrator",
                "unload a plugin, at the end of a cycle; its run is cancelled, its trust is kept"),
    ServiceSpec("orchestrator/list_plugins", "sage_msgs/srv/ListPlugins", "orchestrator",
                "the plugins that are installed or loaded, their state, and their trust with its "
                "reason"),
    ServiceSpec("orchestrator/set_state", "sage_msgs/srv/SetState", "orchestrator",
                "force a metabolic state for a time, or end that"),
    ServiceSpec("~/set_parameters", "rcl_interfaces/srv/SetParameters", "every node",
                "set parameters; those that may be changed while a node is active take effect at "
                "once"),
    ServiceSpec("language/embed", "sage_msgs/srv/Embed", "language encoder", "embedding of a text"),
    ServiceSpec("vision/embed", "sage_msgs/srv/EmbedImage", "vision encoder",
                "embedding of a picture"),
    ServiceSpec("audio/embed", "sage_msgs/srv/EmbedSound", "audio encoder",
                "embedding of a sound"),
)

_ACTIONS = (
    ServiceSpec("orchestrator/refine", "sage_msgs/action/Refine", "orchestrator",
                "run a plugin on an input under a budget"),
    ServiceSpec("memory/sleep", "sage_msgs/action/Sleep", "memory",
                "consolidate what is kept, with feedback"),
)
# fmt: on

TOPICS = {spec.key: spec for spec in _TOPICS}
SERVICES = {spec.key: spec for spec in _SERVICES}
ACTIONS = {spec.key: spec for spec in _ACTIONS}
T = TypeVar("T")


def topic(key: str) -> TopicSpec:
    """The topic with this key.

    Raises:
        KeyError: unknown key; the nearest known one is named.
    """
    return _find("topic", TOPICS, key)


def service_spec(key: str) -> ServiceSpec:
    """The service with this key.

    Raises:
        KeyError: unknown key; the nearest known one is named.
    """
    return _find("service", SERVICES, key)


def action_spec(key: str) -> ServiceSpec:
    """The action with this key.

    Raises:
        KeyError: unknown key; the nearest known one is named.
    """
    return _find("action", ACTIONS, key)


def topic_name(key: str, **names: str) -> str:
    """The name of a topic relative to the namespace, placeholders filled in.

    Raises:
        KeyError: unknown key, or a placeholder without a value.
    """
    return topic(key).name.format(**names)


def filled_topic(key: str, specs: ModalitySpecs | None = None, **names: str) -> TopicSpec:
    """A topic with its placeholders filled in, and with the rate that its modality has.

    That of a modality that comes by events (language, say), or a topic that does (what plugins
    recognise), has neither rate nor maximum age: both are 0.

    Args:
        key: of the topic.
        specs: of modalities; None: those that packages declare.
        names: of the placeholders.

    Raises:
        KeyError: unknown key, or a placeholder without a value.
    """
    filled = replace(topic(key), name=topic_name(key, **names))
    if "modality" not in names:
        return filled
    known = (ModalitySpecs() if specs is None else specs)[names["modality"]]
    if known.is_event or not known.rate_hz or not filled.max_age_s:
        return replace(filled, rate_hz=0.0, max_age_s=0.0)
    return replace(filled, rate_hz=known.rate_hz)


def demanded_topic(
    spec: TopicSpec, modalities: Iterable[str] | None, specs: ModalitySpecs
) -> TopicSpec:
    """A topic as a node that works on some modalities expects it.

    Of a sensor from which none of them comes, nothing is expected: rate and maximum age are 0.

    Args:
        spec: of the topic.
        modalities: names of those that the node works on; None: unknown.
        specs: of modalities.
    """
    sensor = spec.key.partition("/")[0]
    if modalities is None or sensor not in STREAMS:
        return spec
    is_used = any(specs[name].stream == sensor for name in modalities)
    return spec if is_used else replace(spec, rate_hz=0.0, max_age_s=0.0)


def foreign_topic(
    name: str, type_name: str, *, stamp_checked: bool = True, qos: str = "sensor"
) -> TopicSpec:
    """A topic of another package, by its own name and type; it has no nominal rate."""
    return TopicSpec(name, name, type_name, qos, 0.0, 0.0, stamp_checked, False, "", "")


def _find(kind: str, known: Mapping[str, T], key: str) -> T:
    if key not in known:
        raise KeyError(
            f"{key}: unknown {kind} key; the nearest known is {nearest_name(key, known)}"
        )
    return known[key]
