import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sage_common.core.errors import InvalidInput
from sage_encoders.core import body_layout as layout

VALUES = st.one_of(st.just(float("nan")), st.floats(-250, 250, allow_nan=False))


@given(hnp.arrays(np.float64, (3, 5, 12), elements=VALUES))
def test_decodes_to_within_one_step(bodies: np.ndarray) -> None:
    codes = layout.encode_body(bodies)
    assert codes.shape == (30, 30) and codes.dtype == np.uint8 and int(codes.max()) <= 9
    decoded = layout.decode_body(codes)
    assert np.array_equal(np.isnan(decoded), np.isnan(bodies))
    known = ~np.isnan(bodies)
    error = np.abs(layout.compand(decoded) - layout.compand(bodies))[known]
    assert (error <= layout.STEP / 2 + 1e-9).all()


@given(hnp.arrays(np.float64, (3, 5, 12), elements=VALUES))
def test_encoding_what_was_decoded_changes_nothing(bodies: np.ndarray) -> None:
    codes = layout.encode_body(bodies)
    assert np.array_equal(layout.encode_body(layout.decode_body(codes)), codes)


@given(st.floats(-200, 200), st.floats(0, 50), st.integers(0, 4), st.integers(0, 11))
def test_more_is_never_lower(value: float, increase: float, part: int, slot: int) -> None:
    bodies = np.full((3, 5, 12), np.nan)
    bodies[1, part, slot] = value
    low = layout.encode_body(bodies)
    bodies[1, part, slot] = value + increase
    assert (layout.encode_body(bodies) >= low).all()


def test_each_value_has_its_place() -> None:
    bodies = np.full((3, 5, 12), np.nan)
    bodies[2, layout.TORSO, layout.PITCH] = np.pi / 2
    codes = layout.encode_body(bodies)
    rows, columns = np.nonzero(codes)
    assert set(rows) == {7} and columns.tolist() == [20, 21, 22, 23, 24]
    assert (codes[7, 20:25] == 9).all()


def test_nothing_known_is_all_zero() -> None:
    assert not layout.encode_body(np.stack([layout.absent()] * 3)).any()


def test_refuses_other_shapes_and_infinities() -> None:
    with pytest.raises(InvalidInput, match="bodies"):
        layout.encode_body(np.zeros((3, 5, 11)))
    with pytest.raises(InvalidInput, match="infinite"):
        layout.encode_body(np.full((3, 5, 12), np.inf))
    with pytest.raises(InvalidInput, match="codes"):
        layout.decode_body(np.full((30, 30), 10, np.uint8))
