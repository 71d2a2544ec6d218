"""Inbound messages are checked here, once, before any callback sees them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID
from sage_common.ros.images import check_image
from sage_common.ros.stamps import stamp_ns

MAX_AHEAD_S = 1.0
MAX_AGE_S = 10.0
MAX_TEXT_CHARACTERS = 4096
MAX_EMBEDDING = 65536


def check_stamp(message: Any, now_ns: int) -> None:
    """Check that header.stamp is not from the future and not stale.

    Raises:
        InvalidInput: more than 1 s ahead of `now_ns`, or more than 10 s behind.
    """
    age_s = (now_ns - stamp_ns(message.header.stamp)) / NS_PER_S
    if age_s < -MAX_AHEAD_S:
        raise InvalidInput("header.stamp", f"{-age_s:.3f} s ahead", f"at most {MAX_AHEAD_S} s")
    if age_s > MAX_AGE_S:
        raise InvalidInput("header.stamp", f"{age_s:.3f} s old", f"at most {MAX_AGE_S} s")


def check_message(type_name: str, message: Any) -> None:
    """Check the fields of a message by its interface name; unknown types pass.

    Raises:
        InvalidInput: naming the field at fault.
    """
    check = _CHECKS.get(type_name)
    if check is not None:
        check(message)


def _finite(field: str, values: Iterable[float]) -> None:
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64)
    if not np.isfinite(array).all():
        raise InvalidInput(field, array[~np.isfinite(array)][0], "finite numbers")


def _unit(field: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise InvalidInput(field, value, "a number from 0 to 1")


def _not_empty(field: str, value: Any) -> None:
    if len(value) == 0:
        raise InvalidInput(field, value, "not empty")


def _compressed(message: Any) -> None:
    _not_empty("data", message.data)


def _audio(message: Any) -> None:
    _not_empty("audio.data", message.audio.data)


def _audio_info(message: Any) -> None:
    if message.channels < 1:
        raise InvalidInput("channels", message.channels, "at least 1")
    if message.sample_rate < 1:
        raise InvalidInput("sample_rate", message.sample_rate, "at least 1 Hz")


def _imu(message: Any) -> None:
    rates, acceleration = message.angular_velocity, message.linear_acceleration
    if not (
        math.isfinite(rates.x + rates.y + rates.z)
        and math.isfinite(acceleration.x + acceleration.y + acceleration.z)
    ):
        _finite("angular_velocity", (rates.x, rates.y, rates.z))
        _finite("linear_acceleration", (acceleration.x, acceleration.y, acceleration.z))
    if message.orientation_covariance[0] != -1.0:
        turn = message.orientation
        norm = math.hypot(turn.x, turn.y, turn.z, turn.w)
        if not 0.9 <= norm <= 1.1:
            raise InvalidInput(
                "orientation", f"norm {norm}", "norm 1, or orientation_covariance[0] = -1"
            )


def _joint_state(message: Any) -> None:
    _not_empty("name", message.name)
    for field in ("position", "velocity", "effort"):
        values = getattr(message, field)
        if len(values) not in (0, len(message.name)):
            raise InvalidInput(field, f"{len(values)} values", f"0 or {len(message.name)}")
        _finite(field, values)


def _utterance(message: Any) -> None:
    if not message.text.strip():
        raise InvalidInput("text", message.text, "words")
    if len(message.text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput(
            "text", f"{len(message.text)} characters", f"at most {MAX_TEXT_CHARACTERS}"
        )
    _unit("confidence", message.confidence)


def _puzzle(message: Any) -> None:
    _not_empty("modality", message.modality)
    if not message.valid:
        return
    codes = np.asarray(message.codes)
    if codes.size != GRID * GRID or int(codes.max()) >= CODES:
        raise InvalidInput("codes", f"maximum {codes.max()}", f"{GRID}x{GRID} codes below {CODES}")
    if not 1 <= len(message.embedding) <= MAX_EMBEDDING:
        raise InvalidInput("embedding", f"{len(message.embedding)} values", "1 to 65536 values")
    _finite("embedding", np.frombuffer(message.embedding, np.float32))
    _not_empty("encoder_id", message.encoder_id)


def _salience(message: Any) -> None:
    _not_empty("modality", message.modality)
    for field in ("surprise", "novelty", "arousal", "reward", "conflict", "total"):
        _unit(field, getattr(message, field))
    cells = message.grid_rows * message.grid_columns
    if len(message.grid) != cells:
        raise InvalidInput("grid", f"{len(message.grid)} cells", f"{cells} cells")
    _finite("grid", np.frombuffer(message.grid, np.float32))


def _fused(message: Any) -> None:
    for field in ("surprise", "novelty", "arousal", "reward", "conflict", "total"):
        _unit(field, getattr(message, field))
    if len(message.weights) != len(message.modalities):
        raise InvalidInput(
            "weights", f"{len(message.weights)} values", f"{len(message.modalities)} values"
        )
    for salience in message.modalities:
        _salience(salience)


def _attention(message: Any) -> None:
    if not message.valid:
        return
    for field in ("x_min", "y_min", "x_max", "y_max", "confidence", "salience"):
        _unit(field, getattr(message, field))
    if message.x_max <= message.x_min or message.y_max <= message.y_min:
        region = (message.x_min, message.y_min, message.x_max, message.y_max)
        raise InvalidInput("x_max, y_max", region, "greater than x_min, y_min")


def _outcome(message: Any) -> None:
    if not (math.isfinite(message.reward) and -1.0 <= message.reward <= 1.0):
        raise InvalidInput("reward", message.reward, "a number from -1 to 1")
    if stamp_ns(message.end) < stamp_ns(message.start):
        raise InvalidInput("end", stamp_ns(message.end), "not before start")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "audio_common_msgs/msg/AudioDataStamped": _audio,
    "audio_common_msgs/msg/AudioInfo": _audio_info,
    "sage_msgs/msg/Attention": _attention,
    "sage_msgs/msg/FusedSalience": _fused,
    "sage_msgs/msg/Outcome": _outcome,
    "sage_msgs/msg/Puzzle": _puzzle,
    "sage_msgs/msg/Salience": _salience,
    "sage_msgs/msg/Utterance": _utterance,
    "sensor_msgs/msg/CompressedImage": _compressed,
    "sensor_msgs/msg/Image": check_image,
    "sensor_msgs/msg/Imu": _imu,
    "sensor_msgs/msg/JointState": _joint_state,
}
