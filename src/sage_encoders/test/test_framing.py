import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_encoders.core.framing import SIDE_PX, Framing

SIDES = st.integers(1, 4000)


@given(SIDES, SIDES, st.sampled_from(("crop", "letterbox")))
def test_square_stays_inside_the_encoder_input(width: int, height: int, method: str) -> None:
    left, top, inner_width, inner_height = Framing.of(width, height, method).inner()
    assert left >= 0 and top >= 0 and inner_width >= 1 and inner_height >= 1
    assert left + inner_width <= SIDE_PX and top + inner_height <= SIDE_PX
    if method == "crop":
        assert (left, top, inner_width, inner_height) == (0, 0, SIDE_PX, SIDE_PX)


def test_crop_takes_the_centre_and_maps_back() -> None:
    framing = Framing.of(848, 480, "crop")
    image = np.zeros((480, 848, 3), np.uint8)
    image[240, 424] = 255
    cut = framing.cut(image)
    assert cut.shape == (480, 480, 3)
    assert cut[240, 240].tolist() == [255, 255, 255]
    assert framing.to_native(0.5, 0.5) == (424.0, 240.0)
    assert framing.to_native(0.0, 0.0) == (184.0, 0.0)


def test_letterbox_keeps_everything_and_maps_back() -> None:
    framing = Framing.of(800, 400, "letterbox")
    assert framing.inner() == (0, 56, 224, 112)
    assert framing.to_native(0.5, 0.5) == (400.0, 200.0)
    assert framing.to_native(0.0, 0.0) == (0.0, 0.0)
    assert framing.cut(np.zeros((400, 800, 3), np.uint8)).shape == (400, 800, 3)


@pytest.mark.parametrize(("width", "height", "method"), [(0, 4, "crop"), (4, 4, "stretch")])
def test_refuses(width: int, height: int, method: str) -> None:
    with pytest.raises(InvalidInput):
        Framing.of(width, height, method)
