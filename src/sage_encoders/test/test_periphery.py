"""What stands out at a glance: what moves, not what the camera does; in a plain frame nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.opencv_resize import sample
from sage_encoders.core.periphery import Periphery, stands_out

WIDTH, HEIGHT = 848, 480
PERIOD_NS = 100_000_000
MOVED = (2, 3)


def texture(seed: int = 0) -> np.ndarray:
    """Smooth grey patches, alike everywhere."""
    coarse = np.random.default_rng(seed).integers(90, 160, (60, 106, 1), dtype=np.uint8)
    return np.repeat(sample(np.repeat(coarse, 3, axis=2), WIDTH, HEIGHT)[..., :1], 3, axis=2)


def with_ball(image: np.ndarray, shift: int) -> np.ndarray:
    """A white ball of 80 px in one tile, which moves by `shift`."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = (rows - 400) ** 2 + (columns - 580 - shift) ** 2 < 40**2
    return np.where(inside[..., None], np.uint8(255), image)


def look(*images: np.ndarray):
    """The view of the last of these, ten a second."""
    core = Periphery(sample)
    return [core.observe(image, i * PERIOD_NS, "front") for i, image in enumerate(images)][-1]


def test_what_moves_stands_out() -> None:
    scene = texture()
    view = look(*(with_ball(scene, shift) for shift in (0, 10, 20, 10)))
    assert np.unravel_index(view.salience.argmax(), view.salience.shape) == MOVED
    assert view.salience.max() > 0.6
    others = np.sort(view.salience.ravel())[:-1]
    assert others.max() < 0.2


def test_what_stopped_is_no_change_any_more() -> None:
    scene = texture()
    still = with_ball(scene, 20)
    just_now = look(with_ball(scene, 0), still)
    later = look(with_ball(scene, 0), still, still)
    assert just_now.change[MOVED] > 20.0
    assert later.change.max() == 0.0
    assert later.salience[MOVED] < just_now.salience[MOVED] / 2, "contrast remains"


def test_a_camera_that_moves_a_little_changes_nothing() -> None:
    scene = np.repeat(np.repeat(texture(), 2, axis=0), 2, axis=1)
    before, after = scene[:HEIGHT, :WIDTH], scene[4 : HEIGHT + 4, 3 : WIDTH + 3]
    moved = look(before, after)
    difference = np.abs(after.astype(float) - before)
    assert moved.change.max() < difference.mean() / 2


def test_what_the_whole_frame_does_draws_attention_nowhere() -> None:
    scene = texture()
    brighter = scene + np.uint8(40)
    view = look(scene, brighter)
    assert view.change.min() > 20.0
    assert look(scene, scene).change.max() == 0.0
    assert view.salience.max() < look(scene, with_ball(scene, 0)).salience.max() / 2


def test_a_constant_frame_has_no_salience() -> None:
    plain = np.full((HEIGHT, WIDTH, 3), 77, np.uint8)
    assert look(plain, plain, plain).salience.max() == 0.0


def test_a_frame_of_another_size_begins_anew() -> None:
    view = look(texture(), texture()[:200, :300])
    assert view.change.max() == 0.0
    assert (view.grid.width, view.grid.height) == (300, 200)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 99))
def test_any_frame_is_seen_whole(width: int, height: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    frames = generator.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    view = look(*frames)
    assert view.salience.shape == (view.grid.rows, view.grid.columns)
    assert view.salience.min() >= 0.0 and view.salience.max() <= 1.0
    assert len(view.records()) == view.grid.rows * view.grid.columns


@given(st.lists(st.floats(0, 255, width=32), min_size=1, max_size=40))
def test_half_of_the_tiles_never_stand_out(values: list[float]) -> None:
    found = stands_out(np.array(values, np.float32))
    assert (found >= 0.0).all() and (found < 1.0).all()
    assert np.count_nonzero(found) <= len(values) / 2


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_picture_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="image"):
        Periphery(sample).observe(wrong, 0, "front")
