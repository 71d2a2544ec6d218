"""Odometry: what the strip chart shows, slip, gaps, hostile samples, state."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_streams import START_NS, Motion, S, odometry

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.core.robot.odometry import (
    ENCODER_ID,
    PLACES,
    QUANTITIES,
    OdometryEncoder,
)
from sage_encoders.core.robot.strip_chart import BAR

UNIT = (0.0, 0.0, 0.0, 1.0)
ZERO = (0.0, 0.0, 0.0)
REST = 14


def drive(motions: Iterable[Motion], encoder: OdometryEncoder | None = None) -> Percept:
    encoder = encoder or OdometryEncoder()
    for motion in motions:
        encoder.add(
            motion.stamp_ns, motion.position, motion.quaternion, motion.linear, motion.angular
        )
    percept = encoder.percept()
    assert percept is not None
    return percept


def levels(percept: Percept, quantity: str) -> np.ndarray:
    """Heights of the bar of a quantity, [30]; 0: not known."""
    first = BAR * QUANTITIES.index(quantity)
    heights: np.ndarray = percept.codes[first : first + BAR].sum(axis=0, dtype=int)
    return heights


def quiet(seconds: float, **how: float) -> list[Motion]:
    return list(odometry(np.random.default_rng(0), seconds, **how))


def test_rest_is_the_middle_and_what_was_not_yet_is_blank() -> None:
    percept = drive(quiet(1.0, speed=0.0))
    heights = levels(percept, "forward speed")
    assert not heights[:19].any() and np.abs(heights[21:] - REST).max() <= 1
    assert levels(percept, "slip of place")[21:].max() <= 5


def test_faster_is_higher_and_back_is_below_the_middle() -> None:
    heights = [
        levels(drive(quiet(2.0, speed=speed)), "forward speed")[-1]
        for speed in (-2.0, -0.3, 0.0, 0.3, 2.0, 8.0)
    ]
    assert heights == sorted(heights) and len(set(heights)) == 6
    assert levels(drive(quiet(2.0)), "turning")[-1] > REST


def test_a_collision_shows_as_acceleration_where_it_was() -> None:
    motions = quiet(5.0, bumps_at_s=4.45)
    heights = levels(drive(motions), "forward acceleration")
    assert heights[24] < REST - 4 and abs(heights[10] - REST) <= 2
    assert PLACES.names[5][24] == "forward acceleration, 0.5 s ago"


def test_slip_is_pose_and_twist_apart_and_an_even_drive_has_none() -> None:
    even = levels(drive(quiet(4.0)), "slip of place")
    slipping = levels(drive(quiet(4.0, slips_at_s=3.6)), "slip of place")
    assert even.max() <= 5 and slipping[-1] > even.max() + 2


def test_a_pose_that_jumps_is_slip_and_one_that_is_far_away_is_not() -> None:
    far = [replace(m, position=(m.position[0] + 5e5, m.position[1], 0.0)) for m in quiet(3.0)]
    assert levels(drive(far), "slip of place").max() <= 6
    jumping = quiet(3.0)
    last = jumping[-1]
    jumping[-1] = replace(last, position=(9.0, 9.0, 0.0))
    assert levels(drive(jumping), "slip of place")[-1] == 27


def test_a_short_peak_is_not_lost_between_two_puzzles() -> None:
    motions = quiet(2.0)
    at = next(i for i, m in enumerate(motions) if m.stamp_ns >= START_NS + 1_520_000_000)
    motions[at] = replace(motions[at], linear=(3.0, 0.0, 0.0))
    shown = levels(drive(motions), "forward speed")
    assert shown[25] == levels(drive(quiet(2.0, speed=3.0)), "forward speed")[25]


def test_tilt_is_how_far_it_leans_whichever_way() -> None:
    half, shown = math.sin(0.2), []
    for turn in ((half, 0.0), (0.0, half), (-half, 0.0)):
        quaternion = (*turn, 0.0, math.cos(0.2))
        percept = drive([Motion(START_NS, ZERO, quaternion, ZERO, ZERO)])
        shown.append(levels(percept, "tilt")[-1])
    assert len(set(shown)) == 1 and 10 < shown[0] < 20


def test_the_same_drive_is_near_and_another_is_far() -> None:
    even, again = drive(quiet(4.0)), drive(odometry(np.random.default_rng(9), 4.0))
    assert np.linalg.norm(even.embedding - again.embedding) < 0.05
    for other in (quiet(4.0, speed=0.0), quiet(4.0, slips_at_s=3.6), quiet(4.0, bumps_at_s=3.8)):
        assert np.linalg.norm(even.embedding - drive(other).embedding) > 0.2


def test_a_gap_starts_anew() -> None:
    encoder = OdometryEncoder()
    drive(quiet(3.0), encoder)
    encoder.add(START_NS + 60 * S, (50.0, 0.0, 0.0), UNIT, ZERO, ZERO)
    percept = encoder.percept()
    assert percept is not None and encoder.percept() is None
    assert not percept.codes[:, :29].any()
    assert levels(percept, "slip of place")[-1] == 1


BAD = [
    ((math.nan, 0.0, 0.0), UNIT, ZERO, ZERO, "pose.pose.position"),
    ((1e30, 0.0, 0.0), UNIT, ZERO, ZERO, "pose.pose.position"),
    (ZERO, (0.0, 0.0, 0.0, 0.0), ZERO, ZERO, "pose.pose.orientation"),
    (ZERO, (0.0, 0.0, 0.0, math.inf), ZERO, ZERO, "pose.pose.orientation"),
    (ZERO, UNIT, (0.0, math.inf, 0.0), ZERO, "twist.twist.linear"),
    (ZERO, UNIT, ZERO, (0.0, 0.0, math.nan), "twist.twist.angular"),
]


@pytest.mark.parametrize(("position", "quaternion", "linear", "angular", "field"), BAD)
def test_a_bad_sample_is_refused_by_field_and_leaves_nothing(
    position: tuple[float, ...],
    quaternion: tuple[float, ...],
    linear: tuple[float, ...],
    angular: tuple[float, ...],
    field: str,
) -> None:
    motions, encoder = quiet(2.0), OdometryEncoder()
    drive(motions[:50], encoder)
    with pytest.raises(InvalidInput) as refused:
        encoder.add(motions[50].stamp_ns, position, quaternion, linear, angular)
    assert refused.value.field == field
    with pytest.raises(InvalidInput, match=r"header\.stamp"):
        encoder.add(motions[49].stamp_ns, ZERO, UNIT, ZERO, ZERO)
    rest, whole = drive(motions[50:], encoder), OdometryEncoder()
    drive(motions[:50], whole)
    assert np.array_equal(rest.codes, drive(motions[50:], whole).codes)


NUMBER = st.floats(allow_nan=True, allow_infinity=True)
TRIPLE = st.tuples(NUMBER, NUMBER, NUMBER)


@settings(max_examples=200, deadline=None)
@given(
    samples=st.lists(
        st.tuples(
            st.integers(0, 4 * S), TRIPLE, st.tuples(*[NUMBER] * 4) | st.just(UNIT), TRIPLE, TRIPLE
        ),
        max_size=12,
    )
)
def test_any_samples_are_encoded_or_refused(samples: list[tuple]) -> None:
    encoder = OdometryEncoder()
    for stamp_ns, *sample in samples:
        try:
            encoder.add(stamp_ns, *sample)
        except InvalidInput as refused:
            assert refused.field and refused.expected
            continue
        percept = encoder.percept()
        assert percept is not None and percept.stamp_ns == stamp_ns
        assert percept.codes.shape == (30, 30) and int(percept.codes.max()) <= 9
        assert percept.embedding.shape == (31,) and percept.embedding.dtype == np.float32
        assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
        assert percept.encoder_id == ENCODER_ID


def test_a_restored_encoder_goes_on_to_the_bit() -> None:
    motions, whole, first, resumed = quiet(4.0), *(OdometryEncoder() for _ in range(3))
    drive(motions[:120], whole)
    drive(motions[:120], first)
    resumed.restore(first.state())
    ours, theirs = drive(motions[120:], whole), drive(motions[120:], resumed)
    assert np.array_equal(ours.codes, theirs.codes)
    assert np.array_equal(ours.embedding, theirs.embedding)


def test_a_clock_that_is_set_back_starts_anew() -> None:
    encoder, motions = OdometryEncoder(), quiet(1.0)
    drive([replace(motions[0], stamp_ns=motions[0].stamp_ns + 3600 * S)], encoder)
    assert drive(motions, encoder).stamp_ns == motions[-1].stamp_ns
    with pytest.raises(InvalidInput, match="stamp"):
        drive(motions[:1], encoder)
