"""Point clouds: every layout of the bytes, places of the image, hostile messages."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_streams import Lidar

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.core.robot.point_fields import CloudLayout, PointField
from sage_encoders.core.robot.range_image import ENCODER_ID, PLACES, PointCloudEncoder

FLOAT32, FLOAT64, UINT16 = 7, 8, 4
POINTS = np.array([[1.0, 2.0, 3.0], [-4.0, 0.5, 0.25], [9.0, -9.0, 0.0]])


def xyz(kind: int = FLOAT32, first: int = 0) -> tuple[PointField, ...]:
    size = 4 if kind == FLOAT32 else 8
    return tuple(PointField(name, first + size * i, kind, 1) for i, name in enumerate("xyz"))


def image(points: np.ndarray, optical: bool = False) -> Percept:
    return PointCloudEncoder().encode(5, np.asarray(points, np.float32).T, optical)


def bytes_of(
    points: np.ndarray, order: str, letter: str, offsets: tuple[int, ...], step: int, padding: int
) -> np.ndarray:
    """Points written one number at a time, and bytes of another value in between."""
    data = bytearray(b"\xee" * (step * len(points) + padding))
    for index, point in enumerate(points):
        for offset, value in zip(offsets, point, strict=True):
            struct.pack_into(order + letter, data, index * step + offset, value)
    return np.frombuffer(bytes(data), np.uint8)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(("kind", "letter"), [(FLOAT32, "f"), (FLOAT64, "d")])
@pytest.mark.parametrize("padding", [0, 5])
def test_every_layout_gives_the_same_points(
    big: bool, kind: int, letter: str, padding: int
) -> None:
    size = struct.calcsize(letter)
    offsets, step = (3 + 2 * size, 3, 3 + size), 3 * size + 10
    fields = (
        PointField("ring", 0, UINT16, 1),
        *(PointField(n, o, kind, 1) for n, o in zip("xyz", offsets, strict=True)),
        PointField("intensity", 3 + 3 * size, FLOAT32, 1),
    )
    data = bytes_of(POINTS, ">" if big else "<", letter, offsets, step, padding)
    layout = CloudLayout(1, 3, fields, step, 3 * step + padding, big)
    assert np.array_equal(layout.coordinates(data), POINTS.T.astype(np.float32))


def test_an_organised_cloud_with_padded_rows() -> None:
    rows = [bytes_of(POINTS + row, "<", "f", (0, 4, 8), 16, 8) for row in range(4)]
    layout = CloudLayout(4, 3, xyz(), 16, 56, False)
    expected = np.concatenate([POINTS + row for row in range(4)])
    assert np.array_equal(layout.coordinates(np.concatenate(rows)).T, expected)


DATA = bytes_of(POINTS, "<", "f", (0, 4, 8), 16, 0)


@pytest.mark.parametrize(
    ("layout", "field"),
    [
        (CloudLayout(1, 3, xyz()[:2], 16, 48, False), "fields[z]"),
        (CloudLayout(1, 3, (), 16, 48, False), "fields[x]"),
        (CloudLayout(1, 3, (*xyz(), xyz()[0]), 16, 48, False), "fields[x]"),
        (CloudLayout(1, 3, xyz(UINT16), 16, 48, False), "fields[x].datatype"),
        (
            CloudLayout(1, 3, (PointField("x", 0, 7, 3), *xyz()[1:]), 16, 48, False),
            "fields[x].count",
        ),
        (CloudLayout(1, 3, xyz(first=8), 16, 48, False), "fields[z].offset"),
        (CloudLayout(1, 3, xyz(), 8, 48, False), "fields[z].offset"),
        (CloudLayout(1, 3, xyz(), 0, 0, False), "fields[x].offset"),
        (CloudLayout(1, 3, xyz(), 16, 32, False), "row_step"),
        (CloudLayout(2, 3, xyz(), 16, 48, False), "data"),
        (CloudLayout(1, 2**31, xyz(), 16, 2**32 - 1, False), "row_step"),
    ],
)
def test_a_malformed_layout_is_refused_by_field(layout: CloudLayout, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        layout.coordinates(DATA)
    assert refused.value.field == field
    assert refused.value.expected


@settings(max_examples=300, deadline=None)
@given(
    height=st.integers(0, 4),
    width=st.integers(0, 6),
    fields=st.lists(
        st.tuples(
            st.sampled_from(["x", "y", "z", "rgb", ""]),
            st.integers(0, 40),
            st.integers(0, 9),
            st.integers(0, 3),
        ),
        max_size=6,
    ),
    complete=st.booleans(),
    point_step=st.integers(0, 48),
    extra=st.integers(-8, 8),
    big=st.booleans(),
    data=st.binary(max_size=1400),
    fitting=st.booleans(),
)
def test_any_cloud_is_encoded_or_refused(
    height: int,
    width: int,
    fields: list[tuple[str, int, int, int]],
    complete: bool,
    point_step: int,
    extra: int,
    big: bool,
    data: bytes,
    fitting: bool,
) -> None:
    given_fields = tuple(PointField(*field) for field in fields if not complete)
    row_step = max(width * point_step + extra, 0)
    layout = CloudLayout(height, width, given_fields or xyz(), point_step, row_step, big)
    if fitting:
        data = (data + b"\x7f" * (height * row_step))[: height * row_step]
    try:
        points = layout.coordinates(np.frombuffer(data, np.uint8))
    except InvalidInput as refused:
        assert refused.field and refused.expected
        return
    assert points.shape == (3, height * width)
    percept = PointCloudEncoder().encode(0, points)
    assert percept.codes.shape == (30, 30) and int(percept.codes.max()) <= 9
    assert percept.embedding.shape == (376,) and percept.embedding.dtype == np.float32
    assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
    assert percept.encoder_id == ENCODER_ID


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ((2.0, 0.0, 0.0), "ahead, level"),
        ((2.0, 2.0, 0.1), "ahead left, level"),
        ((0.0, -3.0, 0.0), "right, level"),
        ((-3.0, 0.1, -2.0), "behind left, below"),
        ((1.0, 0.0, 3.0), "ahead, far above"),
        ((0.7, 0.7, -0.6), "ahead left, below"),
    ],
)
def test_a_point_is_at_its_place_in_words(point: tuple[float, ...], words: str) -> None:
    codes = image(np.array([point])).codes
    ((row, column),) = np.argwhere(codes)
    found = PLACES.names[row][column]
    assert found == words or found == words.replace("behind left", "behind")


def test_the_axes_of_a_camera_are_turned() -> None:
    body = np.array([[3.0, 1.0, 0.5], [2.0, -0.4, -0.2]])
    camera = np.stack((-body[:, 1], -body[:, 2], body[:, 0]), axis=1)
    assert np.array_equal(image(camera, optical=True).codes, image(body).codes)


def test_the_nearest_return_decides_and_nearer_is_higher() -> None:
    far_too = image(np.array([[1.0, 0.0, 0.0], [20.0, 0.0, 0.0]]))
    assert np.array_equal(far_too.codes, image(np.array([[1.0, 0.0, 0.0]])).codes)
    codes = [int(image(np.array([[d, 0.0, 0.0]])).codes.max()) for d in (50.0, 10.0, 2.0, 0.6, 0.4)]
    assert codes == sorted(codes) and codes[0] == 1 and codes[-1] == 9


def test_body_points_nan_and_infinity_are_left_out() -> None:
    dirty = np.array([[0.1, 0, 0], [np.nan, 1, 1], [np.inf, 0, 0], [1e30, 1e30, 0], [2, 0, 0]])
    clean = image(np.array([[2.0, 0.0, 0.0]]))
    assert np.array_equal(image(dirty).codes, clean.codes)
    assert np.array_equal(image(dirty).embedding, clean.embedding)
    nothing = image(np.full((4, 3), np.nan))
    assert not nothing.codes.any() and np.linalg.norm(nothing.embedding) == pytest.approx(1.0)


def test_the_same_room_is_near_and_an_obstacle_is_far() -> None:
    lidar, rng = Lidar(), np.random.default_rng(0)
    room = image(lidar.cloud(rng)).embedding
    assert np.linalg.norm(room - image(lidar.cloud(rng)).embedding) < 0.02
    person = image(lidar.cloud(rng, [(2.0, 0.3)])).embedding
    assert np.linalg.norm(room - person) > 0.2
    assert np.linalg.norm(person - image(lidar.cloud(rng, [(1.95, 0.3)])).embedding) < 0.1


def test_every_direction_has_its_cell() -> None:
    bearings = np.radians(np.arange(-179.5, 180.0))
    elevations = np.radians(np.arange(-89.75, 90.0, 0.5))[:, None]
    flat = np.cos(elevations)
    directions = (flat * np.cos(bearings), flat * np.sin(bearings))
    sphere = np.stack((*directions, np.sin(elevations) + 0.0 * bearings), axis=-1).reshape(-1, 3)
    assert image(5.0 * sphere).codes.all()
