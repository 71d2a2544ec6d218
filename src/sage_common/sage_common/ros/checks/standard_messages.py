"""Standard messages: of sensors, and of what people send."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.ros.checks.fields import (
    check_finite,
    check_not_empty,
    check_not_longer,
    check_vector,
)
from sage_common.ros.conversions.audio import SAMPLE_FORMATS, SMALLEST_SAMPLE_BYTES
from sage_common.ros.conversions.images import MAX_SIDE_PX, check_image

_PICTURE_STARTS = (b"\xff\xd8\xff", b"\x89PNG")
_COVARIANCES = (
    "orientation_covariance",
    "angular_velocity_covariance",
    "linear_acceleration_covariance",
)


def _compressed(message: Any) -> None:
    check_not_empty("data", message.data)
    start = bytes(message.data[:4])
    if not start.startswith(_PICTURE_STARTS):
        raise InvalidInput("data", f"begins with {start.hex()}", "a JPEG or PNG picture")


def _camera_info(message: Any) -> None:
    for field in ("height", "width"):
        if not 1 <= getattr(message, field) <= MAX_SIDE_PX:
            raise InvalidInput(field, getattr(message, field), f"1 to {MAX_SIDE_PX} pixels")
    for field in ("k", "d", "r", "p"):
        check_finite(field, getattr(message, field))


def _audio(message: Any) -> None:
    check_not_empty("audio.data", message.audio.data)
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
    check_not_empty("header.frame_id", message.header.frame_id)
    place, turn = message.pose.pose.position, message.pose.pose.orientation
    check_finite("pose.pose.position", [place.x, place.y, place.z])
    check_finite("pose.pose.orientation", [turn.x, turn.y, turn.z, turn.w])
    check_finite("pose.covariance", message.pose.covariance)


def _imu(message: Any) -> None:
    rates, acceleration = message.angular_velocity, message.linear_acceleration
    if not (
        math.isfinite(rates.x + rates.y + rates.z)
        and math.isfinite(acceleration.x + acceleration.y + acceleration.z)
    ):
        check_finite("angular_velocity", (rates.x, rates.y, rates.z))
        check_finite("linear_acceleration", (acceleration.x, acceleration.y, acceleration.z))
    for field in _COVARIANCES:
        check_finite(field, getattr(message, field))
    if message.orientation_covariance[0] != -1.0:
        turn = message.orientation
        norm = math.hypot(turn.x, turn.y, turn.z, turn.w)
        if not 0.9 <= norm <= 1.1:
            raise InvalidInput(
                "orientation", f"norm {norm}", "norm 1, or orientation_covariance[0] = -1"
            )


def _joint_state(message: Any) -> None:
    check_not_empty("name", message.name)
    if not (len(message.position) or len(message.velocity) or len(message.effort)):
        raise InvalidInput("position", "no values, as velocity and effort", "one of them filled")
    for field in ("position", "velocity", "effort"):
        values = getattr(message, field)
        if len(values) not in (0, len(message.name)):
            raise InvalidInput(field, f"{len(values)} values", f"0 or {len(message.name)}")
        check_finite(field, values)


def _words(message: Any) -> None:
    check_not_longer("data", message.data)


def _numbers(message: Any) -> None:
    check_vector("data", message.data)
    sizes = [dimension.size for dimension in message.layout.dim]
    if sizes and math.prod(sizes) != len(message.data):
        found = " x ".join(map(str, sizes))
        expected = f"sizes that multiply to {len(message.data)}, the number of values"
        raise InvalidInput("layout.dim", found, expected)
    if message.layout.data_offset:
        raise InvalidInput("layout.data_offset", message.layout.data_offset, "0")


CHECKS: dict[str, Callable[[Any], None]] = {
    "sensor_msgs/msg/CameraInfo": _camera_info,
    "sensor_msgs/msg/CompressedImage": _compressed,
    "sensor_msgs/msg/Image": check_image,
    "audio_common_msgs/msg/AudioDataStamped": _audio,
    "audio_common_msgs/msg/AudioInfo": _audio_info,
    "geometry_msgs/msg/PoseWithCovarianceStamped": _pose,
    "sensor_msgs/msg/Imu": _imu,
    "sensor_msgs/msg/JointState": _joint_state,
    "std_msgs/msg/Float32MultiArray": _numbers,
    "std_msgs/msg/String": _words,
}
"""By interface name."""
