"""The closer look: where it looks, what it gains, and when it stops."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.puzzle import Percept
from sage_common.core.tiles import TileGrid, TileView
from sage_orchestrator.core.plugin import NothingToDo, Region, Task
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.running.states import PluginState
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_plugins import specs
from sage_plugins.look.plugin import LookPlugin
from sage_plugins.params import LookParameters
from sage_plugins.squares import TILE_PX, missing_detail

WIDTH, HEIGHT = 848, 480


def fake_encode(tile: np.ndarray, stamp_ns: int, source: str) -> Percept:
    """Mean colours of a 4x4 division, as a unit vector."""
    assert tile.shape == (TILE_PX, TILE_PX, 3)
    vector = cv2.resize(tile, (4, 4), interpolation=cv2.INTER_AREA).reshape(-1).astype(np.float32)
    return Percept(
        stamp_ns, "vision", source, np.zeros((30, 30), np.uint8),
        vector / max(float(np.linalg.norm(vector)), 1e-6), "means-1@000000000000",
    )  # fmt: skip


class LookWithoutModel(LookPlugin):
    """With an encoder that needs no model."""

    def load(self) -> None:
        self._encode = fake_encode


class World:
    """A context with one image, what stands out in it, and a pile of the tiles passed on."""

    def __init__(self, image: np.ndarray | None, view: TileView | None = None) -> None:
        self._image, self._view = image, view
        self.passed: list[np.ndarray] = []

    def frames(self, source: str, stamp_ns: int) -> np.ndarray | None:
        return self._image

    def periphery(self, source: str, stamp_ns: int) -> TileView | None:
        return self._view

    def tiles(self, draw, stamp_ns, look):
        tile = np.zeros((TILE_PX, TILE_PX, 3), np.uint8)
        draw(tile)
        self.passed.append(tile)
        return look(tile)


class FixedBudget:
    """A budget of so much."""

    cancelled = False

    def __init__(self, budget_atp: float = 250.0) -> None:
        self.remaining_atp = self.affordable_atp = budget_atp
        self.spent_atp = 0.0

    def pay(self, cost_atp: float) -> None:
        self.spent_atp += cost_atp
        self.remaining_atp -= cost_atp
        self.affordable_atp -= cost_atp


def textured(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def looks(plugin: LookPlugin, task: Task, budget: FixedBudget, look_atp: float = 30.0):
    """All states until the plugin would halt, each at the same cost."""
    states = [plugin.init_state(task, budget)]
    budget.pay(look_atp)
    while not plugin.feasible(states[-1]):
        states.append(plugin.step(states[-1]))
        budget.pay(look_atp)
    return states


def refine(image: np.ndarray | None, region: Region | None, view: TileView | None = None):
    """All looks at a region of an image, within 2,000 ATP."""
    plugin = LookWithoutModel(World(image, view), LookParameters())
    plugin.load()
    return plugin, looks(plugin, Task(5, "vision", "front", 0.8, region), FixedBudget(2000.0))


def test_it_closes_in_on_the_region_and_sees_all_its_detail():
    region = Region(600, 300, 90, 60)
    plugin, states = refine(textured(), region)
    sides = [state.tile[2] for state in states]
    assert sides[0] == HEIGHT
    assert sides == sorted(sides, reverse=True)
    left, top, side = states[-1].tile
    assert left <= region.left and region.left + region.width <= left + side
    assert top <= region.top and region.top + region.height <= top + side
    energies = [plugin.energy(state) for state in states]
    assert energies == sorted(energies, reverse=True)
    assert energies[0] > 0.5
    assert energies[-1] <= 0.02

    result = plugin.result(states[-1])
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
        with pytest.raises(NothingToDo, match="lies outside the picture of"):
            refine(textured(), region)
        return
    plugin, states = refine(textured(), region)
    for state in states:
        x, y, side = state.tile
        assert x >= 0 and x + side <= WIDTH and y >= 0 and y + side <= HEIGHT
        assert 0.0 <= plugin.energy(state) <= 1.0
    assert len(states) <= plugin.max_steps


def standing_out(*tiles: tuple[int, int, float]) -> TileView:
    """A view in which these tiles (row, column, salience) stand out."""
    grid = TileGrid.of(WIDTH, HEIGHT)
    salience = np.zeros((grid.rows, grid.columns), np.float32)
    for row, column, value in tiles:
        salience[row, column] = value
    return TileView(5, "front", grid, salience, salience, salience)


def test_then_the_tiles_that_stand_out_are_looked_at_best_first():
    region = Region(600, 300, 90, 60)
    view = standing_out((0, 0, 0.2), (0, 1, 0.9), (1, 0, 0.4), (0, 2, 0.04))
    plugin, states = refine(textured(), region, view)
    last = states[-1]
    assert [(look.tile.row, look.tile.column) for look in last.looks] == [(0, 1), (1, 0), (0, 0)]
    assert last.affordable == 3
    energies = [plugin.energy(state) for state in states]
    assert energies == sorted(energies, reverse=True)
    assert energies[-1] <= 0.02
    image, look = textured(), last.looks[0]
    left, top, side = look.square
    assert side == 170 and left <= 169 and top == 0
    around = plugin.result(last)["around"]
    assert [(entry["row"], entry["column"]) for entry in around] == [(0, 1), (1, 0), (0, 0)]
    square = image[top : top + side, left : left + side]
    expected = fake_encode(cv2.resize(square, (TILE_PX, TILE_PX)), 5, "front")
    np.testing.assert_allclose(around[0]["embedding"], expected.embedding, atol=1e-5)


def test_tiles_in_the_region_or_of_another_size_of_frame_are_not():
    region = Region(0, 0, 340, 320)
    _, states = refine(textured(), region, standing_out((0, 0, 1.0), (1, 1, 1.0)))
    assert states[-1].around == ()
    view = standing_out((2, 4, 1.0))
    _, states = refine(textured()[:400], Region(0, 0, 50, 50), view)
    assert states[-1].around == ()


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 400.0), st.floats(0.0, 4000.0), st.integers(0, 15))
def test_as_many_tiles_as_the_rest_of_the_budget_pays_for(look_atp, budget_atp, count):
    grid = TileGrid.of(WIDTH, HEIGHT)
    places = [(i // grid.columns, i % grid.columns, 0.5) for i in range(count)]
    plugin = LookWithoutModel(World(textured(), standing_out(*places)), LookParameters())
    plugin.load()
    task = Task(5, "vision", "front", 0.8, Region(700, 400, 20, 20))
    for _ in range(6):  # it learns what a look costs
        looks(plugin, task, FixedBudget(1e6), look_atp)
    budget = FixedBudget(budget_atp)
    state = looks(plugin, task, budget, look_atp)[-1]
    tolerance_atp = 1e-3 * look_atp
    assert len(state.looks) == state.affordable
    if state.looks:
        assert budget.affordable_atp >= -tolerance_atp
    if len(state.looks) < len(state.around):
        assert budget.affordable_atp < look_atp + tolerance_atp
    assert plugin.telemetry(state)["tiles_seen"] == len(state.looks)


def test_it_runs_in_the_orchestrator_by_attention(bench):
    plugin = LookWithoutModel(World(textured()), LookParameters())
    bench.orchestrator.load(PluginSetup(specs.LOOK, LookParameters(), lambda: plugin))
    region = Region(600, 300, 90, 60)
    bench.orchestrator.cycle(
        [Trigger("attention", "vision", "front", 7, 0.8, 20.0, region=region)], bench.policy
    )
    line = bench.orchestrator.cycle([], bench.policy).lines[0]
    assert line.state == PluginState.DONE
    assert line.reason.startswith("reached its goal: tile of ")
    assert line.trust > 0.5
    _, result = bench.results.get(timeout=10.0)
    assert result.quality.score == 1.0
    assert line.steps == result.telemetry["steps"] > 1
