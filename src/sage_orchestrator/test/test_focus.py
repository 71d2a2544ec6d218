"""The closer look: where it looks, what it gains, and when it stops."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_orchestrator.core.plugin import NothingToDo, Region, Task
from sage_orchestrator.core.slot import Cue
from sage_orchestrator.core.states import PluginState
from sage_orchestrator.irp.focus import TILE_PX, Focus, missing_detail

WIDTH, HEIGHT = 848, 480


def fake_encode(tile: np.ndarray, stamp_ns: int, source: str) -> Percept:
    """Mean colours of a 4x4 division, as a unit vector."""
    assert tile.shape == (TILE_PX, TILE_PX, 3)
    vector = cv2.resize(tile, (4, 4), interpolation=cv2.INTER_AREA).reshape(-1).astype(np.float32)
    return Percept(
        stamp_ns, "vision", source, np.zeros((30, 30), np.uint8),
        vector / max(float(np.linalg.norm(vector)), 1e-6), "means-1@000000000000",
    )  # fmt: skip


class World:
    """A context with one image."""

    models_dir = ""

    def __init__(self, image: np.ndarray | None) -> None:
        self._image = image

    def image(self, source: str, stamp_ns: int) -> np.ndarray | None:
        return self._image


def textured(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def refine(image: np.ndarray | None, region: Region | None):
    """All looks until the plugin would halt."""
    focus = Focus(World(image), lambda: fake_encode)
    focus.load()
    state = focus.init_state(Task(5, "vision", "front", 0.8, region), budget=None)
    states = [state]
    while not focus.feasible(states[-1]):
        states.append(focus.step(states[-1]))
    return focus, states


def test_it_closes_in_on_the_region_and_sees_all_its_detail():
    region = Region(600, 300, 90, 60)
    focus, states = refine(textured(), region)
    sides = [state.tile[2] for state in states]
    assert sides[0] == HEIGHT
    assert sides == sorted(sides, reverse=True)
    left, top, side = states[-1].tile
    assert left <= region.left and region.left + region.width <= left + side
    assert top <= region.top and region.top + region.height <= top + side
    energies = [focus.energy(state) for state in states]
    assert energies == sorted(energies, reverse=True)
    assert energies[0] > 0.5
    assert energies[-1] <= 0.02

    result = focus.result(states[-1])
    assert result["tile"]["scale"] == TILE_PX / side
    assert result["moved"] > 0.0
    assert np.linalg.norm(result["embedding"]) == pytest.approx(1.0, abs=1e-4)
    jpeg = np.frombuffer(base64.b64decode(result["tile_jpeg_base64"]), np.uint8)
    assert cv2.imdecode(jpeg, cv2.IMREAD_COLOR).shape == (TILE_PX, TILE_PX, 3)


@pytest.mark.parametrize("image", [np.full((HEIGHT, WIDTH, 3), 90, np.uint8), None])
def test_without_detail_or_image_there_is_nothing_to_do(image):
    if image is None:
        with pytest.raises(NothingToDo, match="no image of front"):
            refine(None, None)
    else:
        _, states = refine(image, Region(10, 10, 100, 100))
        assert len(states) == 1


def test_a_blurred_region_has_less_to_gain_than_a_sharp_one():
    sharp = textured()
    blurred = cv2.GaussianBlur(sharp, (0, 0), 8)
    region = Region(100, 100, 120, 120)
    assert missing_detail(blurred, region, 480) < 0.2 < missing_detail(sharp, region, 480)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-50, WIDTH - 1), st.integers(-50, HEIGHT - 1), st.integers(1, 1000),
    st.integers(1, 1000),
)  # fmt: skip
def test_any_region_that_touches_the_image_is_looked_at(left, top, width, height):
    region = Region(left, top, width, height)
    if left + width <= 0 or top + height <= 0:
        with pytest.raises(InvalidInput, match="region"):
            refine(textured(), region)
        return
    focus, states = refine(textured(), region)
    for state in states:
        x, y, side = state.tile
        assert x >= 0 and x + side <= WIDTH and y >= 0 and y + side <= HEIGHT
        assert 0.0 <= focus.energy(state) <= 1.0
    assert len(states) <= focus.max_steps


def test_it_runs_in_the_orchestrator_by_attention(bench):
    bench.add(Focus(World(textured()), lambda: fake_encode))
    region = Region(600, 300, 90, 60)
    bench.orchestrator.cycle([Cue("attention", "vision", "front", 7, 0.8, region=region)])
    line = bench.orchestrator.cycle([]).lines[0]
    assert line.state == PluginState.DONE
    assert line.reason.startswith("reached its goal: tile of ")
    assert line.trust > 0.5
    _, ending = bench.endings.get(timeout=10.0)
    assert ending.quality.score == 1.0
    assert line.steps == ending.telemetry["steps"] > 1
