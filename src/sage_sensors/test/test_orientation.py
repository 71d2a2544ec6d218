"""Orientation from gravity and rates."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.clock import NS_PER_S
from sage_sensors.backends.orientation import OrientationFilter
from sage_sensors.core.samples import Inertial

PERIOD_NS = NS_PER_S // 100


def reading(gyro: tuple[float, float, float], accel: tuple[float, float, float]) -> Inertial:
    return Inertial(np.array(gyro), np.array(accel))


def run(filter_: OrientationFilter, seconds: float, sample: Inertial, start_ns: int = 0) -> int:
    now_ns = start_ns
    for _ in range(round(seconds * 100)):
        now_ns += PERIOD_NS
        filter_.update(now_ns, sample)
    return now_ns


def test_unknown_until_it_has_settled() -> None:
    filter_ = OrientationFilter(100.0)
    level = reading((0, 0, 0), (0, 0, 9.81))
    assert filter_.update(0, level) is None
    run(filter_, 2.0, level)
    assert filter_.update(3 * NS_PER_S - 1, level) is None


def test_level_is_the_unit_quaternion_with_unknown_heading() -> None:
    filter_ = OrientationFilter(100.0)
    level = reading((0, 0, 0), (0, 0, 9.81))
    end_ns = run(filter_, 5.0, level)
    known = filter_.update(end_ns + PERIOD_NS, level)
    assert known is not None
    np.testing.assert_allclose(known[0], [1, 0, 0, 0], atol=1e-3)
    assert known[1][2, 2] == pytest.approx((2 * np.pi) ** 2 / 12)
    assert known[1][0, 0] == pytest.approx(np.radians(0.5) ** 2)


def test_nose_down_is_positive_about_the_left_axis() -> None:
    filter_ = OrientationFilter(100.0)
    tilt = np.radians(20)
    down = reading((0, 0, 0), (-9.81 * np.sin(tilt), 0, 9.81 * np.cos(tilt)))
    end_ns = run(filter_, 6.0, down)
    known = filter_.update(end_ns + PERIOD_NS, down)
    assert known is not None
    expected = [np.cos(tilt / 2), 0, np.sin(tilt / 2), 0]
    np.testing.assert_allclose(known[0], expected, atol=0.01)


def test_turning_left_is_positive_about_the_upward_axis() -> None:
    filter_ = OrientationFilter(100.0)
    end_ns = run(filter_, 5.0, reading((0, 0, 0), (0, 0, 9.81)))
    turning = reading((0, 0, np.radians(45)), (0, 0, 9.81))
    end_ns = run(filter_, 2.0, turning, end_ns)
    known = filter_.update(end_ns + PERIOD_NS, reading((0, 0, 0), (0, 0, 9.81)))
    assert known is not None
    np.testing.assert_allclose(known[0], [np.cos(np.pi / 4), 0, 0, np.sin(np.pi / 4)], atol=0.02)


@pytest.mark.parametrize("gap_ns", [0, -PERIOD_NS, 2 * NS_PER_S])
def test_a_gap_or_a_step_back_makes_it_unknown_again(gap_ns: int) -> None:
    filter_ = OrientationFilter(100.0)
    level = reading((0, 0, 0), (0, 0, 9.81))
    end_ns = run(filter_, 5.0, level)
    assert filter_.update(end_ns + gap_ns, level) is None
    assert filter_.update(end_ns + gap_ns + PERIOD_NS, level) is None
