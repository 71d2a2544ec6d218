"""Inbound messages are checked here, once, before any callback sees them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.puzzle import CODES, GRID
from sage_common.ros.conversions.audio import SAMPLE_FORMATS, SMALLEST_SAMPLE_BYTES
from sage_common.ros.conversions.images import MAX_SIDE_PX, check_image
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.tensors.handles import check_handle

MAX_AHEAD_S = 1.0
MAX_AGE_S = 10.0
RECORDED_AGE_S = 60.0
RECORDED = (
    "if it is played from a bag, use `ros2 bag play --clock` with use_sim_time:=true "
    "(replay.launch.py), or `sage replay BAG`"
)
MAX_TEXT_CHARACTERS = 4096
MAX_VECTOR = 65536
CRISIS = 4
"""The last of the states of `sage_msgs/MetabolicState`."""
_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG")
_COVARIANCES = (
    "orientation_covariance",
    "angular_velocity_covariance",
    "linear_acceleration_covariance",
)
_DIMENSIONS = ("surprise", "novelty", "arousal", "reward", "conflict")


def check_stamp(message: Any, now_ns: int) -> None:
    """Check that header.stamp is well formed, not from the future and not stale.

    Raises:
        InvalidInput: more than 1 s ahead of `now_ns`, or more than 10 s behind.
    """
    stamp = message.header.stamp
    if stamp.nanosec >= NS_PER_S:
        raise InvalidInput("header.stamp.nanosec", stamp.nanosec, f"below {NS_PER_S}")
    check_stamp_ns(stamp_ns(stamp), now_ns)


def check_stamp_ns(stamp: int, now_ns: int) -> None:
    """As `check_stamp`, for nanoseconds. Before the clock runs (0) nothing can be said.

    Raises:
        InvalidInput: more than 1 s ahead of `now_ns`, or more than 10 s behind.
    """
    if now_ns == 0:
        return
    if stamp == 0:
        raise InvalidInput("header.stamp", 0, "the time of capture")
    age_s = (now_ns - stamp) / NS_PER_S
    if age_s < -MAX_AHEAD_S:
        raise InvalidInput("header.stamp", f"{-age_s:.3f} s ahead", f"at most {MAX_AHEAD_S} s")
    if age_s > MAX_AGE_S:
        raise InvalidInput(
            "header.stamp", f"{age_s:.3f} s old", f"at most {MAX_AGE_S} s{_hint(age_s)}"
        )


def _hint(age_s: float) -> str:
    """What a message that is older than any delay makes likely."""
    return "" if age_s < RECORDED_AGE_S else f"; {RECORDED}"


def check_message(type_name: str, message: Any) -> None:
    """Check the fields of a message by its interface name; unknown types pass.

    Raises:
        InvalidInput: naming the field at fault.
    """
    check = _CHECKS.get(type_name)
    if check is not None:
        check(message)


def check_message_once(type_name: str, message: Any) -> None:
    """Check a message, unless it is the one of its type that was found good last.

    On the local bus several nodes get the same object, one after the other; it must not be changed
    by any of them, so one look is enough.

    Raises:
        InvalidInput: naming the field at fault.
    """
    if _found_good.get(type_name) is not message:
        check_message(type_name, message)
        _found_good[type_name] = message


_found_good: dict[str, Any] = {}


def _finite(field: str, values: Iterable[float]) -> None:
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64)
    if not np.isfinite(array).all():
        raise InvalidInput(field, float(array[~np.isfinite(array)][0]), "finite numbers")


def _unit(field: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise InvalidInput(field, value, "a number from 0 to 1")


def _not_negative(field: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0.0):
        raise InvalidInput(field, value, "a number of at least 0")


def _not_empty(field: str, value: Any) -> None:
    if len(value) == 0:
        raise InvalidInput(field, value, "not empty")


def _compressed(message: Any) -> None:
    _not_empty("data", message.data)
    start = bytes(message.data[:4])
    if not start.startswith(_PICTURE_STARTS):
        raise InvalidInput("data", f"begins with {start.hex()}", "a JPEG or PNG picture")


def _camera_info(message: Any) -> None:
    for field in ("height", "width"):
        if not 1 <= getattr(message, field) <= MAX_SIDE_PX:
            raise InvalidInput(field, getattr(message, field), f"1 to {MAX_SIDE_PX} pixels")
    for field in ("k", "d", "r", "p"):
        _finite(field, getattr(message, field))


def _audio(message: Any) -> None:
    _not_empty("audio.data", message.audio.data)
    if len(message.audio.data) % SMALLEST_SAMPLE_BYTES:
        raise InvalidInput(
            "audio.data",
            f"{len(message.audio.data)} bytes",
            f"a multiple of {SMALLEST_SAMPLE_BYTES}",
        )


def _audio_info(message: Any) -> None:
    if message.channels < 1:
        raise InvalidInput("channels", message.channels, "at least 1")
    if message.sample_rate < 1:
        raise InvalidInput("sample_rate", message.sample_rate, "at least 1 Hz")
    if message.sample_format not in SAMPLE_FORMATS:
        raise InvalidInput(
            "sample_format", message.sample_format, "one of " + ", ".join(SAMPLE_FORMATS)
        )


def _pose(message: Any) -> None:
    _not_empty("header.frame_id", message.header.frame_id)
    place, turn = message.pose.pose.position, message.pose.pose.orientation
    _finite("pose.pose.position", [place.x, place.y, place.z])
    _finite("pose.pose.orientation", [turn.x, turn.y, turn.z, turn.w])
    _finite("pose.covariance", message.pose.covariance)


def _imu(message: Any) -> None:
    rates, acceleration = message.angular_velocity, message.linear_acceleration
    if not (
        math.isfinite(rates.x + rates.y + rates.z)
        and math.isfinite(acceleration.x + acceleration.y + acceleration.z)
    ):
        _finite("angular_velocity", (rates.x, rates.y, rates.z))
        _finite("linear_acceleration", (acceleration.x, acceleration.y, acceleration.z))
    for field in _COVARIANCES:
        _finite(field, getattr(message, field))
    if message.orientation_covariance[0] != -1.0:
        turn = message.orientation
        norm = math.hypot(turn.x, turn.y, turn.z, turn.w)
        if not 0.9 <= norm <= 1.1:
            raise InvalidInput(
                "orientation", f"norm {norm}", "norm 1, or orientation_covariance[0] = -1"
            )


def _joint_state(message: Any) -> None:
    _not_empty("name", message.name)
    if not (len(message.position) or len(message.velocity) or len(message.effort)):
        raise InvalidInput("position", "no values, as velocity and effort", "one of them filled")
    for field in ("position", "velocity", "effort"):
        values = getattr(message, field)
        if len(values) not in (0, len(message.name)):
            raise InvalidInput(field, f"{len(values)} values", f"0 or {len(message.name)}")
        _finite(field, values)


def _utterance(message: Any) -> None:
    if not message.text.strip():
        raise InvalidInput("text", message.text, "words")
    _not_longer("text", message.text)
    _unit("confidence", message.confidence)


def _words(message: Any) -> None:
    _not_longer("data", message.data)


def _not_longer(field: str, text: str) -> None:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput(field, f"{len(text)} characters", f"at most {MAX_TEXT_CHARACTERS}")


def _budget(message: Any) -> None:
    for field in ("cycle_ms", "budget_atp", "allocated_atp", "spent_atp", "returned_atp"):
        _not_negative(field, getattr(message, field))
    _unit("rating", message.rating)
    for plugin in message.plugins:
        _not_empty("plugins.name", plugin.name)
        _unit(f"plugins[{plugin.name}].trust", plugin.trust)
        for field in ("allocated_atp", "spent_atp", "returned_atp"):
            _not_negative(f"plugins[{plugin.name}].{field}", getattr(plugin, field))


def _experience(message: Any) -> None:
    for field in ("id", "modality"):
        _not_empty(field, getattr(message, field))
    for field in (*_DIMENSIONS, "total"):
        _unit(field, getattr(message, field))
    if len(message.codes):
        _codes(message.codes)
    _finite("embedding", np.frombuffer(message.embedding, np.float32))
    if stamp_ns(message.end) < stamp_ns(message.start):
        raise InvalidInput("end", stamp_ns(message.end), "not before start")


def _codes(values: Any) -> None:
    codes = np.asarray(values)
    if codes.size != GRID * GRID or int(codes.max()) >= CODES:
        raise InvalidInput("codes", f"maximum {codes.max()}", f"{GRID}x{GRID} codes below {CODES}")


def _puzzle(message: Any) -> None:
    _not_empty("modality", message.modality)
    if not message.valid:
        return
    _codes(message.codes)
    _vector("embedding", message.embedding)
    _not_empty("encoder_id", message.encoder_id)


def _vector(field: str, values: Any) -> None:
    if not 1 <= len(values) <= MAX_VECTOR:
        raise InvalidInput(field, f"{len(values)} values", f"1 to {MAX_VECTOR}")
    _finite(field, np.frombuffer(values, np.float32))


def _numbers(message: Any) -> None:
    _vector("data", message.data)
    sizes = [dimension.size for dimension in message.layout.dim]
    if sizes and math.prod(sizes) != len(message.data):
        found = " x ".join(map(str, sizes))
        expected = f"sizes that multiply to {len(message.data)}, the number of values"
        raise InvalidInput("layout.dim", found, expected)
    if message.layout.data_offset:
        raise InvalidInput("layout.data_offset", message.layout.data_offset, "0")


def _salience(message: Any) -> None:
    _not_empty("modality", message.modality)
    for field in (*_DIMENSIONS, "total", "p_value"):
        _unit(field, getattr(message, field))
    _alarms_per_hour(message)
    cells = message.grid_rows * message.grid_columns
    if len(message.grid) != cells:
        raise InvalidInput("grid", f"{len(message.grid)} cells", f"{cells} cells")
    _finite("grid", np.frombuffer(message.grid, np.float32))


def _fused(message: Any) -> None:
    for field in (*_DIMENSIONS, "total"):
        _unit(field, getattr(message, field))
    _alarms_per_hour(message)
    if len(message.weights) != len(message.modalities):
        raise InvalidInput(
            "weights", f"{len(message.weights)} values", f"{len(message.modalities)} values"
        )
    for salience in message.modalities:
        _salience(salience)


def _alarms_per_hour(message: Any) -> None:
    """0 is what a publisher leaves that does not know the field; it would be the rarest of all."""
    rate = message.alarms_per_hour
    if message.valid and not (math.isfinite(rate) and rate > 0.0):
        raise InvalidInput("alarms_per_hour", rate, "a number above 0 [1/h]")


def _weights(message: Any) -> None:
    if len(message.weights) != len(message.names):
        found = f"{len(message.weights)} values"
        raise InvalidInput("weights", found, f"{len(message.names)} values")
    _finite("weights", np.frombuffer(message.weights, np.float32))
    _unit("trust", message.trust)
    for field in ("auroc_fused", "auroc_learned", "auroc_equal"):
        if not math.isnan(getattr(message, field)):
            _unit(field, getattr(message, field))


def _attention(message: Any) -> None:
    if not message.valid:
        return
    _unit("salience", message.salience)
    _alarms_per_hour(message)
    _region("", message)
    for place, region in enumerate(message.regions):
        _region(f"regions[{place}].", region)
        _unit(f"regions[{place}].inhibited", region.inhibited)


def _region(path: str, region: Any) -> None:
    for field in ("x_min", "y_min", "x_max", "y_max", "confidence"):
        _unit(path + field, getattr(region, field))
    if region.x_max <= region.x_min or region.y_max <= region.y_min:
        found = (region.x_min, region.y_min, region.x_max, region.y_max)
        raise InvalidInput(f"{path}x_max, y_max", found, "greater than x_min, y_min")


def _refinement(message: Any) -> None:
    _not_empty("plugin", message.plugin)
    _not_negative("spent_atp", message.spent_atp)
    _finite("energies", np.frombuffer(message.energies, np.float32))


def _classification(message: Any) -> None:
    for place, result in enumerate(message.results):
        _hypothesis(f"results[{place}]", result)


def _detections(message: Any) -> None:
    for place, found in enumerate(message.detections):
        path = f"detections[{place}]"
        for number, result in enumerate(found.results):
            _hypothesis(f"{path}.results[{number}].hypothesis", result.hypothesis)
        _finite(f"{path}.bbox.center", [found.bbox.center.position.x, found.bbox.center.position.y])
        for field in ("size_x", "size_y"):
            _not_negative(f"{path}.bbox.{field}", getattr(found.bbox, field))


def _hypothesis(path: str, hypothesis: Any) -> None:
    _not_empty(f"{path}.class_id", hypothesis.class_id)
    _unit(f"{path}.score", hypothesis.score)


def _label_info(message: Any) -> None:
    _not_empty("header.frame_id", message.header.frame_id)
    _not_empty("class_map", message.class_map)


def _outcome(message: Any) -> None:
    if not (math.isfinite(message.reward) and -1.0 <= message.reward <= 1.0):
        raise InvalidInput("reward", message.reward, "a number from -1 to 1")
    if stamp_ns(message.end) < stamp_ns(message.start):
        raise InvalidInput("end", stamp_ns(message.end), "not before start")


def _pressure(message: Any) -> None:
    for field in ("level", "reclaim_level"):
        if getattr(message, field) > PressureLevel.CRITICAL:
            raise InvalidInput(field, getattr(message, field), "0 (green) to 4 (critical)")


def _state(message: Any) -> None:
    if message.state > CRISIS:
        raise InvalidInput("state", message.state, f"0 to {CRISIS}")
    for name in ("energy_reserve", "max_camera_rate_hz", "max_imu_rate_hz"):
        value = getattr(message, name)
        if not (math.isfinite(value) and value >= 0.0):
            raise InvalidInput(name, value, "a number of at least 0")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "vision_msgs/msg/Classification": _classification,
    "vision_msgs/msg/Detection2DArray": _detections,
    "vision_msgs/msg/LabelInfo": _label_info,
    "audio_common_msgs/msg/AudioDataStamped": _audio,
    "audio_common_msgs/msg/AudioInfo": _audio_info,
    "sage_msgs/msg/Attention": _attention,
    "sage_msgs/msg/BudgetState": _budget,
    "sage_msgs/msg/Experience": _experience,
    "sage_msgs/msg/FusedSalience": _fused,
    "sage_msgs/msg/FusionWeights": _weights,
    "sage_msgs/msg/MetabolicState": _state,
    "sage_msgs/msg/Outcome": _outcome,
    "sage_msgs/msg/Puzzle": _puzzle,
    "sage_msgs/msg/Refinement": _refinement,
    "sage_msgs/msg/ResourcePressure": _pressure,
    "sage_msgs/msg/Salience": _salience,
    "sage_msgs/msg/TensorHandle": check_handle,
    "sage_msgs/msg/Utterance": _utterance,
    "sensor_msgs/msg/CameraInfo": _camera_info,
    "sensor_msgs/msg/CompressedImage": _compressed,
    "sensor_msgs/msg/Image": check_image,
    "geometry_msgs/msg/PoseWithCovarianceStamped": _pose,
    "sensor_msgs/msg/Imu": _imu,
    "sensor_msgs/msg/JointState": _joint_state,
    "std_msgs/msg/Float32MultiArray": _numbers,
    "std_msgs/msg/String": _words,
}
