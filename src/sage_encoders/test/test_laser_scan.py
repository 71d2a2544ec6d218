"""Laser scans: places of the polar picture, what is far in the embedding, hostile scans."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_streams import Scanner

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.core.robot.laser_scan import ENCODER_ID, PLACES, LaserScanEncoder

FULL = (-math.pi, 2.0 * math.pi / 720)
LIMITS = (0.05, 20.0)
EMPTY_ROW = 0


def scan(ranges: np.ndarray, angles: tuple[float, float] = FULL) -> Percept:
    return LaserScanEncoder().encode(7, np.asarray(ranges, np.float32), angles, LIMITS)


def around(distance_m: float, count: int = 720) -> np.ndarray:
    return np.full(count, distance_m, np.float32)


def with_thing(distance_m: float, bearing_deg: float, width_deg: float = 10.0) -> np.ndarray:
    """A room of 6 m with one thing in it."""
    bearings = np.degrees(FULL[0] + FULL[1] * np.arange(720))
    near = np.abs((bearings - bearing_deg + 180.0) % 360.0 - 180.0) < width_deg / 2.0
    return np.where(near, distance_m, 6.0).astype(np.float32)


def place_of_difference(percept: Percept, other: Percept) -> str:
    """The name of the cell that has most beyond what the other has."""
    more = percept.codes.astype(int) - other.codes.astype(int)
    row, column = np.unravel_index(int(more.argmax()), more.shape)
    return PLACES.names[row][column]


@pytest.mark.parametrize(
    ("bearing_deg", "distance_m", "words", "within"),
    [
        (0.0, 0.8, ("ahead",), (0.65, 1.0)),
        (45.0, 0.8, ("ahead left",), (0.65, 1.0)),
        (-90.0, 2.0, ("right",), (1.6, 2.5)),
        (-135.0, 1.0, ("behind right",), (0.8, 1.25)),
        (178.0, 3.0, ("behind",), (2.4, 3.7)),
    ],
)
def test_a_thing_is_at_its_place_in_words(
    bearing_deg: float, distance_m: float, words: tuple[str, ...], within: tuple[float, float]
) -> None:
    found = place_of_difference(scan(with_thing(distance_m, bearing_deg)), scan(around(6.0)))
    direction, _, distance = found.partition(", ")
    assert direction in words
    assert within[0] <= float(distance.removesuffix(" m")) <= within[1]


def test_nearer_is_lower_in_the_picture_and_left_is_left() -> None:
    rows = [np.flatnonzero(scan(around(d)).codes.any(axis=1)).max() for d in (12.0, 4.0, 1.0, 0.1)]
    assert rows == sorted(rows) and rows[-1] == 29
    left = scan(with_thing(1.0, 60.0)).codes.astype(int) - scan(around(6.0)).codes
    assert np.flatnonzero((left > 0).any(axis=0)).max() < 15


def test_no_return_is_known_and_nan_is_not() -> None:
    ranges = around(3.0)
    ranges[:240] = math.inf
    ranges[240:360] = math.nan
    ranges[360:370] = -math.inf
    codes = scan(ranges).codes
    of_empty, of_unknown = codes[:, 26], codes[:, 18]
    assert of_empty[EMPTY_ROW] == 9 and not of_empty[1:].any()
    assert not of_unknown.any()
    assert codes[29].any(), "too near to measure is as near as can be"


def test_values_beyond_the_limits_are_not_measured() -> None:
    ranges = around(3.0)
    ranges[::2] = 0.0
    ranges[1::4] = 25.0
    assert np.array_equal(scan(ranges).codes, scan(np.where(ranges == 3.0, 3.0, np.nan)).codes)


def test_any_order_number_and_direction_of_beams_shows_the_same_room() -> None:
    whole = scan(with_thing(1.0, 30.0, 20.0))
    clockwise = scan(with_thing(1.0, 30.0, 20.0)[::-1], (FULL[0] + 719 * FULL[1], -FULL[1]))
    assert np.array_equal(whole.codes, clockwise.codes)
    turned = scan(np.roll(with_thing(1.0, 30.0, 20.0), -360), (0.0, FULL[1]))
    assert np.array_equal(whole.codes, turned.codes)
    sparse = scan(with_thing(1.0, 30.0, 20.0)[::8], (FULL[0], 8 * FULL[1]))
    assert whole.embedding @ sparse.embedding > 0.9
    dense = np.repeat(with_thing(1.0, 30.0, 20.0), 4)
    assert whole.embedding @ scan(dense, (FULL[0], FULL[1] / 4)).embedding > 0.98


def test_the_same_room_is_near_and_a_person_in_front_is_far() -> None:
    scanner, rng = Scanner(), np.random.default_rng(0)

    def look(people: list[tuple[float, float]]) -> np.ndarray:
        angles = (scanner.first, scanner.increment)
        return (
            LaserScanEncoder()
            .encode(0, scanner.scan(rng, people), angles, scanner.limits)
            .embedding
        )

    room = look([])
    assert np.linalg.norm(room - look([])) < 0.02
    assert np.linalg.norm(room - look([(1.5, 0.3)])) > 0.3
    assert np.linalg.norm(look([(1.5, 0.3)]) - look([(1.45, 0.3)])) < 0.15
    assert np.linalg.norm(look([(1.5, 0.3)]) - look([(0.3, -1.5)])) > 0.4


@pytest.mark.parametrize(
    ("ranges", "angles", "limits", "field"),
    [
        ([], FULL, LIMITS, "ranges"),
        ([math.nan] * 5, FULL, LIMITS, "ranges"),
        ([[1.0]], FULL, LIMITS, "ranges"),
        ([1.0] * 720, (0.0, 0.5), LIMITS, "angle_increment"),
        ([1.0] * 5, (0.0, 0.0), LIMITS, "angle_increment"),
        ([1.0] * 5, (0.0, math.nan), LIMITS, "angle_increment"),
        ([1.0] * 5, (math.inf, 0.1), LIMITS, "angle_min"),
        ([1.0] * 5, (180.0, 0.1), LIMITS, "angle_min"),
        ([1.0] * 5, FULL, (math.nan, 10.0), "range_min"),
        ([1.0] * 5, FULL, (-1.0, 10.0), "range_min"),
        ([1.0] * 5, FULL, (1.0, 0.5), "range_max"),
        ([1.0] * 5, FULL, (0.0, math.nan), "range_max"),
    ],
)
def test_what_is_no_scan_is_refused_by_field(
    ranges: list[float], angles: tuple[float, float], limits: tuple[float, float], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        LaserScanEncoder().encode(0, np.array(ranges, np.float32), angles, limits)
    assert refused.value.field == field


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(max_examples=200, deadline=None)
@given(
    ranges=st.lists(FLOATS, max_size=400),
    first=FLOATS,
    increment=st.one_of(FLOATS, st.floats(-0.02, 0.02)),
    shortest=FLOATS,
    longest=FLOATS,
)
def test_any_scan_is_encoded_or_refused(
    ranges: list[float], first: float, increment: float, shortest: float, longest: float
) -> None:
    values = np.array(ranges, np.float32)
    try:
        percept = LaserScanEncoder().encode(1, values, (first, increment), (shortest, longest))
    except InvalidInput:
        return
    assert percept.codes.shape == (30, 30) and percept.codes.dtype == np.uint8
    assert int(percept.codes.max()) <= 9
    assert percept.embedding.dtype == np.float32 and percept.embedding.shape == (300,)
    assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
    assert percept.encoder_id == ENCODER_ID and "@" in ENCODER_ID


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 2000), clockwise=st.booleans())
def test_every_measured_beam_shows(seed: int, count: int, clockwise: bool) -> None:
    rng = np.random.default_rng(seed)
    increment = 2.0 * math.pi / count * (-1.0 if clockwise else 1.0)
    percept = scan(rng.uniform(0.2, 15.0, count), (rng.uniform(-3.0, 3.0), increment))
    assert not percept.codes[EMPTY_ROW].any()
    if count >= 100:
        assert percept.codes.any(axis=0).all(), "no column between two beams is blank"
