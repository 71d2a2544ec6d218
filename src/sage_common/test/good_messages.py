"""One good message of every input type of the registry, and what is wrong with others."""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from audio_common_msgs.msg import AudioDataStamped
from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import BatteryState, CameraInfo, Imu, JointState
from std_msgs.msg import Float32MultiArray, Header, MultiArrayDimension, String
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from sage_common.core.labels import Label, Labels
from sage_common.ros.conversions.audio import array_to_audio, audio_info
from sage_common.ros.conversions.images import array_to_image, rgb_to_compressed
from sage_common.ros.conversions.labels import classification, detection_array, label_info
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_msgs.msg import (
    Attention,
    AttentionRegion,
    BudgetState,
    Experience,
    FusedSalience,
    FusionWeights,
    MetabolicState,
    Outcome,
    PluginBudget,
    Puzzle,
    Refinement,
    ResourcePressure,
    Salience,
    TensorHandle,
    Utterance,
)

NAN, INF = float("nan"), float("inf")


def header(stamp_ns: int) -> Header:
    return Header(stamp=to_stamp(stamp_ns), frame_id="frame")


def image(h: Header) -> Any:
    return array_to_image(np.zeros((4, 6, 3), np.uint8), "rgb8", h)


def compressed(h: Header) -> Any:
    return rgb_to_compressed(np.zeros((16, 16, 3), np.uint8), h)


def camera_info(h: Header) -> CameraInfo:
    return CameraInfo(header=h, height=480, width=640)


def handle(h: Header) -> TensorHandle:
    message = TensorHandle(header=h, mailbox="camera", backend="shm", dtype="uint8", device=-1)
    message.shape, message.strides_bytes = [4, 6, 3], [18, 3, 1]
    return message


def audio(h: Header) -> AudioDataStamped:
    return array_to_audio(np.zeros(1600, np.float32), h)


def pose(h: Header) -> PoseWithCovarianceStamped:
    return PoseWithCovarianceStamped(header=h)


def imu(h: Header) -> Imu:
    message = Imu(header=h)
    message.linear_acceleration.z = 9.81
    message.orientation_covariance[0] = -1.0
    return message


def joints(h: Header) -> JointState:
    return JointState(header=h, name=["a", "b"], position=[0.0, 1.0])


def utterance(h: Header) -> Utterance:
    return Utterance(header=h, text="words", confidence=1.0)


def vector(_header: Header) -> Float32MultiArray:
    message = Float32MultiArray(data=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    message.layout.dim = [MultiArrayDimension(size=2), MultiArrayDimension(size=3)]
    return message


def puzzle(h: Header) -> Puzzle:
    return Puzzle(
        header=h,
        modality="vision",
        source="front",
        codes=np.full(900, 9, np.uint8),
        embedding=array.array("f", [0.6, 0.8]),
        encoder_id="e",
        valid=True,
    )


def salience(h: Header) -> Salience:
    message = Salience(header=h, modality="vision", total=0.5, alarms_per_hour=60.0, valid=True)
    message.grid_rows, message.grid_columns = 2, 3
    message.grid = array.array("f", [0.5] * 6)
    return message


def fused(h: Header) -> FusedSalience:
    message = FusedSalience(header=h, total=0.5, alarms_per_hour=60.0, weights=[1.0], valid=True)
    message.modalities = [salience(h)]
    return message


def weights(h: Header) -> FusionWeights:
    return FusionWeights(header=h, names=["vision"], weights=[0.5], auroc_fused=0.75)


def attention(h: Header) -> Attention:
    message = Attention(header=h, modality="vision", x_max=0.5, y_max=0.5, valid=True)
    message.alarms_per_hour = 60.0
    message.regions = [AttentionRegion(x_max=0.5, y_max=0.5)]
    return message


def budget(h: Header) -> BudgetState:
    return BudgetState(
        header=h, budget_atp=1000.0, rating=1.0, plugins=[PluginBudget(name="p", trust=0.5)]
    )


def refinement(h: Header) -> Refinement:
    energies = array.array("f", [0.5, 0.25])
    return Refinement(header=h, plugin="look", answer="a tree", energies=energies, spent_atp=3.0)


CLASSES = ("cup", "dog")
SEEN = Labels("m-1@0", (Label(1, 0.7, (0.1, 0.2, 0.5, 0.5)), Label(0, 0.2, (0.0, 0.0, 1.0, 1.0))))


def classes(h: Header) -> Classification:
    return classification(SEEN, CLASSES, stamp_ns(h.stamp), "front")


def detections(h: Header) -> Detection2DArray:
    return detection_array(SEEN, CLASSES, stamp_ns(h.stamp), "front", (640, 480))


def vocabulary(_header: Header) -> LabelInfo:
    return label_info("m-1@0", CLASSES)


def experience(h: Header) -> Experience:
    return Experience(header=h, id="x", modality="vision", codes=np.zeros(900, np.uint8))


def outcome(h: Header) -> Outcome:
    return Outcome(header=h, reward=-1.0)


GOOD: dict[str, Callable[[Header], Any]] = {
    "camera/image_raw": image,
    "camera/compressed": compressed,
    "camera/info": camera_info,
    "camera/tensor": handle,
    "microphone/audio": audio,
    "microphone/info": lambda _header: audio_info(),
    "pose": pose,
    "imu/data": imu,
    "joint_states": joints,
    "text": utterance,
    "speak": lambda _header: String(data="hello"),
    "speaking": utterance,
    "vector": vector,
    "puzzle": puzzle,
    "salience": salience,
    "fused_salience": fused,
    "salience_peak": fused,
    "fusion/weights": weights,
    "attention": attention,
    "budget": budget,
    "budget_sum": budget,
    "state": lambda header: MetabolicState(header=header, energy_reserve=0.5),
    "battery_state": lambda header: BatteryState(header=header, percentage=0.5),
    "classes": classes,
    "detections": detections,
    "label_info": vocabulary,
    "experience": experience,
    "refinement": refinement,
    "outcome": outcome,
    "pressure": lambda header: ResourcePressure(header=header, level=ResourcePressure.RED),
    "markers": lambda _header: MarkerArray(),
    "heatmap": image,
}

NAMES: dict[str, dict[str, str]] = {
    "camera/image_raw": {"name": "front"},
    "camera/compressed": {"name": "front"},
    "camera/info": {"name": "front"},
    "camera/tensor": {"name": "front"},
    "microphone/audio": {"name": "front"},
    "microphone/info": {"name": "front"},
    "imu/data": {"name": "body"},
    "vector": {"name": "motor_current"},
    "puzzle": {"modality": "vision"},
    "salience": {"modality": "vision"},
    "classes": {"modality": "vision"},
    "detections": {"modality": "vision"},
    "label_info": {"modality": "vision"},
}


def _set(path: str, value: Any) -> Callable[[Any], None]:
    """Sets a field; `a.b` goes down, `a[0]` into a list."""

    def change(message: Any) -> None:
        *above, last = path.split(".")
        for part in above:
            name, _, index = part.partition("[")
            message = getattr(message, name)
            message = message[int(index[:-1])] if index else message
        name, _, index = last.partition("[")
        if index:
            getattr(message, name)[int(index[:-1])] = value
        else:
            setattr(message, name, value)

    return change


def _cut(path: str, length: int) -> Callable[[Any], None]:
    def change(message: Any) -> None:
        *above, last = path.split(".")
        for name in above:
            message = getattr(message, name)
        setattr(message, last, getattr(message, last)[:length])

    return change


WRONG: list[tuple[str, str, Callable[[Any], None]]] = [
    # topic key, field at fault, what is done to a good message
    ("camera/image_raw", "encoding", _set("encoding", "rgb9")),
    ("camera/image_raw", "encoding", _set("encoding", "")),
    ("camera/image_raw", "height", _set("height", 0)),
    ("camera/image_raw", "width", _set("width", 2**31)),
    ("camera/image_raw", "step", _set("step", 17)),
    ("camera/image_raw", "data", _cut("data", 71)),
    ("camera/image_raw", "data", _cut("data", 0)),
    ("camera/image_raw", "data", _set("height", 5)),
    ("heatmap", "data", _cut("data", 1)),
    ("camera/compressed", "data", _cut("data", 0)),
    ("camera/compressed", "data", _set("data", array.array("B", b"GIF89a..."))),
    ("camera/info", "width", _set("width", 0)),
    ("camera/info", "height", _set("height", 99999)),
    ("camera/info", "k", _set("k[0]", NAN)),
    ("camera/tensor", "mailbox", _set("mailbox", "")),
    ("camera/tensor", "dtype", _set("dtype", "")),
    ("camera/tensor", "backend", _set("backend", "paper")),
    ("camera/tensor", "shape", _cut("shape", 0)),
    ("camera/tensor", "shape", _set("shape", [4, 0, 3])),
    ("camera/tensor", "shape", _set("shape", [1] * 9)),
    ("camera/tensor", "strides_bytes", _cut("strides_bytes", 2)),
    ("microphone/audio", "audio.data", _cut("audio.data", 0)),
    ("microphone/audio", "audio.data", _cut("audio.data", 13)),
    ("microphone/info", "channels", _set("channels", 0)),
    ("microphone/info", "sample_rate", _set("sample_rate", 0)),
    ("microphone/info", "sample_format", _set("sample_format", "MP3")),
    ("pose", "header.frame_id", _set("header.frame_id", "")),
    ("pose", "pose.pose.position", _set("pose.pose.position.x", NAN)),
    ("pose", "pose.pose.orientation", _set("pose.pose.orientation.w", INF)),
    ("pose", "pose.covariance", _set("pose.covariance[0]", NAN)),
    ("imu/data", "angular_velocity", _set("angular_velocity.y", NAN)),
    ("imu/data", "linear_acceleration", _set("linear_acceleration.z", INF)),
    ("imu/data", "orientation_covariance", _set("orientation_covariance[4]", NAN)),
    ("imu/data", "orientation", _set("orientation_covariance[0]", 0.1)),  # norm 1, unless w = 2:
    ("joint_states", "name", _set("name", [])),
    ("joint_states", "position", _set("position", [1.0])),
    ("joint_states", "position", _set("position", [])),
    ("joint_states", "velocity", _set("velocity", [NAN, 0.0])),
    ("text", "text", _set("text", " \n")),
    ("text", "text", _set("text", "x" * 4097)),
    ("text", "confidence", _set("confidence", NAN)),
    ("speak", "data", _set("data", "x" * 4097)),
    ("speaking", "text", _set("text", "")),
    ("vector", "data", _set("data", array.array("f"))),
    ("vector", "data", _set("data", array.array("f", [NAN] * 6))),
    ("vector", "layout.dim", _set("layout.dim[0].size", 4)),
    ("vector", "layout.data_offset", _set("layout.data_offset", 1)),
    ("puzzle", "modality", _set("modality", "")),
    ("puzzle", "codes", _set("codes", np.full(900, 10, np.uint8))),
    ("puzzle", "embedding", _set("embedding", array.array("f"))),
    ("puzzle", "embedding", _set("embedding", array.array("f", [NAN, 1.0]))),
    ("puzzle", "encoder_id", _set("encoder_id", "")),
    ("salience", "modality", _set("modality", "")),
    ("salience", "novelty", _set("novelty", 1.5)),
    ("salience", "total", _set("total", NAN)),
    ("salience", "grid", _cut("grid", 5)),
    ("salience", "grid", _set("grid", array.array("f", [INF] * 6))),
    ("fused_salience", "total", _set("total", -0.1)),
    ("fused_salience", "weights", _set("weights", array.array("f"))),
    ("fused_salience", "novelty", _set("modalities[0].novelty", 2.0)),
    ("fusion/weights", "weights", _set("weights", array.array("f"))),
    ("fusion/weights", "weights", _set("weights", array.array("f", [NAN]))),
    ("fusion/weights", "trust", _set("trust", NAN)),
    ("fusion/weights", "auroc_equal", _set("auroc_equal", 1.5)),
    ("attention", "confidence", _set("confidence", NAN)),
    ("attention", "regions[0].x_max, y_max", _set("regions[0].x_max", 0.0)),
    ("attention", "regions[0].inhibited", _set("regions[0].inhibited", 2.0)),
    ("attention", "x_max, y_max", _set("x_min", 0.5)),
    ("budget", "budget_atp", _set("budget_atp", NAN)),
    ("budget", "rating", _set("rating", 1.5)),
    ("budget", "plugins[p].trust", _set("plugins[0].trust", 1.5)),
    ("refinement", "plugin", _set("plugin", "")),
    ("refinement", "spent_atp", _set("spent_atp", -1.0)),
    ("refinement", "energies", _set("energies[0]", NAN)),
    ("classes", "results[0].class_id", _set("results[0].class_id", "")),
    ("classes", "results[1].score", _set("results[1].score", NAN)),
    ("classes", "results[1].score", _set("results[1].score", 1.5)),
    (
        "detections",
        "detections[0].results[0].hypothesis.score",
        _set("detections[0].results[0].hypothesis.score", -0.1),
    ),
    ("detections", "detections[1].bbox.center", _set("detections[1].bbox.center.position.x", INF)),
    ("detections", "detections[0].bbox.size_y", _set("detections[0].bbox.size_y", -1.0)),
    ("label_info", "header.frame_id", _set("header.frame_id", "")),
    ("label_info", "class_map", _set("class_map", [])),
    ("experience", "id", _set("id", "")),
    ("experience", "total", _set("total", INF)),
    ("experience", "codes", _set("codes", np.full(900, 99, np.uint8))),
    ("experience", "end", _set("start.sec", 5)),
    ("outcome", "reward", _set("reward", -1.1)),
    ("outcome", "reward", _set("reward", NAN)),
    ("outcome", "end", _set("start.sec", 5)),
    ("state", "state", _set("state", 5)),
    ("state", "energy_reserve", _set("energy_reserve", NAN)),
    ("state", "max_camera_rate_hz", _set("max_camera_rate_hz", -1.0)),
    ("pressure", "level", _set("level", 5)),
    ("pressure", "reclaim_level", _set("reclaim_level", 5)),
]

PNG = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()
