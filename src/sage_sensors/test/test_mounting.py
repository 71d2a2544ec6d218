"""Frames of sensors on the robot: directions of REP-103, names of REP-105."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_sensors.core.mounting import Transform, missing, mounting

HERE = (0.0, 0.0, 0.0)


def turned(rotation: tuple[float, ...], vector: tuple[float, ...]) -> NDArray[np.float64]:
    """A vector of the child frame, as the parent frame sees it."""
    axis, w = np.array(rotation[:3]), rotation[3]
    twice = 2.0 * np.cross(axis, vector)
    return np.asarray(vector + w * twice + np.cross(axis, twice))


def test_a_camera_hangs_on_its_link_and_looks_along_its_x() -> None:
    body, optical = mounting("base_link", "camera_front_optical_frame", (0.1, 0.0, 0.5), HERE)
    assert (body.parent, body.child) == ("base_link", "camera_front_link")
    assert (optical.parent, optical.child) == ("camera_front_link", "camera_front_optical_frame")
    assert (body.translation_m, body.rotation) == ((0.1, 0.0, 0.5), (0.0, 0.0, 0.0, 1.0))
    for seen, expected in (
        ((0, 0, 1), (1, 0, 0)),
        ((1, 0, 0), (0, -1, 0)),
        ((0, 1, 0), (0, 0, -1)),
    ):
        assert turned(optical.rotation, seen) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("rpy", "seen", "expected"),
    [
        ((0.0, 0.0, math.pi / 2), (1, 0, 0), (0, 1, 0)),
        ((0.0, math.pi / 2, 0.0), (1, 0, 0), (0, 0, -1)),
        ((math.pi / 2, 0.0, 0.0), (0, 1, 0), (0, 0, 1)),
        ((math.pi / 2, 0.0, math.pi / 2), (0, 1, 0), (0, 0, 1)),
    ],
)
def test_roll_pitch_and_yaw_turn_about_the_axes_of_the_base(
    rpy: tuple[float, ...], seen: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    (link,) = mounting("base_link", "imu_link", HERE, rpy)
    assert turned(link.rotation, seen) == pytest.approx(expected, abs=1e-12)


def test_only_what_hangs_on_frames_of_others_is_missing() -> None:
    chain = mounting("base_link", "camera_front_optical_frame", HERE, HERE)
    assert missing(chain, set()) == chain
    assert missing(chain, {"base_link"}) == chain
    assert missing(chain, {"camera_front_link"}) == chain[1:]
    assert missing(chain, {"camera_front_optical_frame"}) == ()


@pytest.mark.parametrize(
    ("field", "base_frame", "position_m", "rpy_rad"),
    [
        ("base_frame", "", HERE, HERE),
        ("base_frame", "imu_link", HERE, HERE),
        ("position_m", "base_link", (1.0, 2.0), HERE),
        ("rotation_rpy_rad", "base_link", HERE, (0.0,)),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    field: str, base_frame: str, position_m: tuple[float, ...], rpy_rad: tuple[float, ...]
) -> None:
    with pytest.raises(InvalidInput, match=field):
        mounting(base_frame, "imu_link", position_m, rpy_rad)


def test_a_frame_without_the_usual_ending_hangs_on_the_base() -> None:
    assert mounting("body", "eye", HERE, HERE) == (
        Transform("body", "eye", HERE, (0.0, 0.0, 0.0, 1.0)),
    )
