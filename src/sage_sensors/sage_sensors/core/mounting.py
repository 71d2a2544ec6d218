"""Where a sensor sits on the robot: its frames as REP-103 and REP-105 name them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput

Numbers = tuple[float, ...]
ORIGIN = (0.0, 0.0, 0.0)
OPTICAL = "_optical_frame"
# x right, y down, z forward, seen from x forward, y left, z up.
OPTICAL_RPY_RAD = (-math.pi / 2, 0.0, -math.pi / 2)


@dataclass(frozen=True)
class Transform:
    """Where frame `child` is in frame `parent`.

    Attributes:
        translation_m: x, y, z.
        rotation: unit quaternion x, y, z, w.
    """

    parent: str
    child: str
    translation_m: Numbers
    rotation: Numbers


def mounting(
    base_frame: str, frame_id: str, position_m: Sequence[float], rpy_rad: Sequence[float]
) -> tuple[Transform, ...]:
    """The transforms from the robot's base to a sensor's frame, from the base on.

    A frame `<x>_optical_frame` hangs on `<x>_link` by the fixed rotation of cameras, so that
    position and rotation are those of the camera's body.

    Args:
        base_frame: of the robot, such as base_link.
        frame_id: of the sensor's messages.
        position_m: x, y, z of the sensor in `base_frame`.
        rpy_rad: roll, pitch and yaw about the fixed axes x, y, z of `base_frame`.

    Raises:
        InvalidInput: a name is empty or both are the same, or there are not three numbers.
    """
    _check(base_frame, frame_id, {"position_m": position_m, "rotation_rpy_rad": rpy_rad})
    mount = (tuple(position_m), quaternion(*rpy_rad))
    if not frame_id.endswith(OPTICAL):
        return (Transform(base_frame, frame_id, *mount),)
    link = frame_id.removesuffix(OPTICAL) + "_link"
    optical = Transform(link, frame_id, ORIGIN, quaternion(*OPTICAL_RPY_RAD))
    return (Transform(base_frame, link, *mount), optical)


def missing(chain: Sequence[Transform], known: set[str]) -> tuple[Transform, ...]:
    """What of a chain to publish if others publish the frames `known`: what hangs on those."""
    last = max((n for n, link in enumerate(chain) if link.child in known), default=-1)
    return tuple(chain[last + 1 :])


def quaternion(roll: float, pitch: float, yaw: float) -> Numbers:
    """x, y, z, w of a rotation about the fixed axes x, then y, then z [rad]."""
    (cr, sr), (cp, sp), (cy, sy) = (
        (math.cos(angle / 2), math.sin(angle / 2)) for angle in (roll, pitch, yaw)
    )
    return (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )


def _check(base_frame: str, frame_id: str, numbers: dict[str, Sequence[float]]) -> None:
    if not base_frame or base_frame == frame_id:
        raise InvalidInput("base_frame", base_frame, f"a name other than {frame_id!r}")
    for name, values in numbers.items():
        if len(values) != 3:
            raise InvalidInput(name, tuple(values), "three numbers")
