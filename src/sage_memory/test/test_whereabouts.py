"""Where the robot was: good poses become places, vague and old ones do not."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_memory import Place
from sage_memory.core.ingest.pose_buffer import PoseBuffer, worst_sigma_m

S = 1_000_000_000


def place(x: float, sigma_m: float = 0.1, **changes) -> Place:
    covariance = np.zeros((6, 6))
    covariance[0, 0] = covariance[1, 1] = sigma_m**2
    values = {"frame": "map", "position": (x, 0.0, 0.0), "covariance": tuple(covariance.flat)}
    return Place(**(values | changes))


def test_the_nearest_pose_in_time_is_the_place() -> None:
    where = PoseBuffer(1.0, 5.0)
    assert where.at(S) is None
    for second in range(1, 4):
        where.add(second * S, place(float(second)))
    assert where.at(round(2.4 * S)).position[0] == 2.0
    assert where.at(0).position[0] == 1.0
    assert where.at(8 * S).position[0] == 3.0
    assert where.at(8 * S + 1) is None


def test_a_vague_pose_ends_what_was_known() -> None:
    where = PoseBuffer(1.0, 5.0)
    where.add(S, place(1.0))
    where.add(2 * S, place(2.0, sigma_m=1.5))
    assert where.at(S) is None
    assert where.vague == 1
    where.add(3 * S, place(3.0, sigma_m=1.0))
    assert where.at(S).position[0] == 3.0


def test_the_worst_direction_counts() -> None:
    covariance = np.zeros((6, 6))
    covariance[:2, :2] = [[2.0, 1.9], [1.9, 2.0]]
    assert worst_sigma_m(place(0.0, covariance=tuple(covariance.flat))) == pytest.approx(3.9**0.5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"frame": ""}, "place.frame"),
        ({"position": (0.0, float("nan"), 0.0)}, "place.position"),
        ({"covariance": (-1.0,) + (0.0,) * 35}, "place.covariance"),
    ],
)
def test_a_wrong_pose_is_refused_and_what_was_known_stays(changes, field) -> None:
    where = PoseBuffer(1.0, 5.0)
    where.add(S, place(1.0))
    with pytest.raises(InvalidInput) as refused:
        where.add(2 * S, place(2.0, **changes))
    assert refused.value.field == field
    assert where.at(2 * S) == place(1.0)


def test_resumed_knows_the_same_places() -> None:
    where, again = PoseBuffer(1.0, 5.0), PoseBuffer(1.0, 5.0)
    again.restore(where.state())
    assert again.at(S) is None
    for second in range(3):
        where.add(second * S, place(float(second), frame=f"map{second}"))
    again.restore(where.state())
    assert [again.at(second * S) for second in range(3)] == [
        where.at(second * S) for second in range(3)
    ]
