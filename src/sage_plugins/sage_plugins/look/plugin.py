"""A closer look: the attended region with ever finer pixels, then the best tiles around it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import cv2
import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.vision import MODEL, VisionEncoder
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.plugin import (
    Budget,
    ModelLease,
    NothingToDo,
    Plugin,
    PluginContext,
    Region,
    Task,
)
from sage_plugins.look.state import LookState, TileLook
from sage_plugins.params import LookParameters
from sage_plugins.squares import (
    TILE_PX,
    Pixels,
    Square,
    centre,
    cut,
    draw,
    inside,
    missing_detail,
    square_around,
)
from sage_plugins.tile_choice import Tile, affordable_looks, worthy_tiles

Encode = Callable[[Pixels, int, str], Percept]
"""Encodes RGB uint8 [224, 224, 3], with its stamp and source."""

NEWEST_SHARE = 0.3
"""Of the newest look's cost in the running mean."""


class LookPlugin(Plugin[LookState]):
    """Energy = what the encoder has not seen yet, in [0, 1].

    It begins with the largest square around the region, which is about what peripheral sight
    encodes, and shrinks it to the region; a step is one tile encoded. A region without detail
    ends that at once, and a blurred one early. Then come the K tiles that stand out most in the
    peripheral tier's view of the frame, K being what is left of the budget over the cost of a
    look as measured. The energy is the part of the region's detail that is missing; where tiles
    stand out, its mean with the part of their salience that was not looked at.
    """

    nominal_step_ns = 3_000_000
    max_steps = 64
    epsilon = 0.005

    def __init__(self, context: PluginContext, parameters: LookParameters) -> None:
        self._context = context
        self._parameters = parameters
        self._lease: ModelLease | None = None
        self._encode: Encode | None = None
        self._look_atp = to_atp(self.nominal_step_ns)

    def load(self) -> None:
        self._lease = self._context.model_session(MODEL, self._parameters.precision)
        self._encode = VisionEncoder(self._lease.model, resize).encode

    def unload(self) -> None:
        self._encode = None
        if self._lease is not None:
            self._lease.close()
            self._lease = None

    def init_state(self, task: Task, budget: Budget) -> LookState:
        image = self._context.frames(task.source, task.stamp_ns)
        if image is None:
            raise NothingToDo(f"no image of {task.source} near that time")
        height, width = image.shape[:2]
        region = inside(task.region or centre(width, height), width, height)
        tile = square_around(region, min(width, height), width, height)
        percept = self._see(image, tile, task.stamp_ns, task.source)
        missing = missing_detail(image, region, tile[2])
        around = self._around(task, image, region)
        return self._counted(
            LookState(image, region, tile, percept, percept, missing, around, budget)
        )

    def step(self, state: LookState) -> LookState:
        self._learn_cost(state)
        state = replace(state, spent_atp=state.budget.spent_atp)
        if state.affordable is not None:
            return self._look_around(state)
        height, width = state.image.shape[:2]
        closest = max(state.region.width, state.region.height)
        side = max(round(state.tile[2] * self._parameters.shrink), min(closest, state.tile[2]))
        tile = square_around(state.region, side, width, height)
        percept = self._see(state.image, tile, state.first.stamp_ns, state.first.source)
        missing = missing_detail(state.image, state.region, tile[2])
        return self._counted(replace(state, tile=tile, percept=percept, missing=missing))

    def energy(self, state: LookState) -> float:
        return (state.missing + state.unseen) / 2.0 if state.around else state.missing

    def feasible(self, state: LookState) -> bool:
        return state.affordable is not None and len(state.looks) >= state.affordable

    def result(self, state: LookState) -> Mapping[str, Any]:
        left, top, side = state.tile
        scale = TILE_PX / side
        summary = (
            f"tile of {side} px at {scale:.2f}x, {1.0 - state.missing:.0%} of the detail seen, "
            f"meaning moved by {_moved(state):.2f}; {len(state.looks)} of {len(state.around)} "
            "tiles around"
        )
        return {
            "summary": summary,
            "encoder_id": state.percept.encoder_id,
            "embedding": _rounded(state.percept),
            "tile": {"left": left, "top": top, "side": side, "scale": scale},
            "missing_detail": state.missing,
            "moved": _moved(state),
            "tile_jpeg_base64": _jpeg(cut(state.image, state.tile)),
            "around": [_described(look) for look in state.looks],
        }

    def telemetry(self, state: LookState) -> Mapping[str, float | str | bool]:
        return {
            "side_px": state.tile[2],
            "moved": _moved(state),
            "tiles_around": len(state.around),
            "tiles_affordable": state.affordable or 0,
            "tiles_seen": len(state.looks),
            "look_atp": round(self._look_atp, 2),
        }

    def _around(self, task: Task, image: Pixels, region: Region) -> tuple[Tile, ...]:
        """Tiles that stand out in this very image's size; the region needs none of them."""
        height, width = image.shape[:2]
        view = self._context.periphery(task.source, task.stamp_ns)
        if view is None or (view.grid.width, view.grid.height) != (width, height):
            return ()
        left, top, side = square_around(region, max(region.width, region.height), width, height)
        return worthy_tiles(view, Region(left, top, side, side))

    def _counted(self, state: LookState) -> LookState:
        """With K, once the region is seen; the look under way is not paid for yet."""
        if not state.sees_region:
            return state
        left_atp = state.budget.affordable_atp - self._look_atp
        affordable = min(affordable_looks(left_atp, self._look_atp), len(state.around))
        return replace(state, affordable=affordable)

    def _look_around(self, state: LookState) -> LookState:
        height, width = state.image.shape[:2]
        tile = state.around[len(state.looks)]
        square = square_around(
            tile.region, max(tile.region.width, tile.region.height), width, height
        )
        percept = self._see(state.image, square, state.first.stamp_ns, state.first.source)
        return replace(state, looks=(*state.looks, TileLook(tile, square, percept)))

    def _learn_cost(self, state: LookState) -> None:
        """What the look before cost; the first one of a run also fetched the image."""
        if state.looks or state.percept is not state.first:
            cost_atp = state.budget.spent_atp - state.spent_atp
            self._look_atp += NEWEST_SHARE * (cost_atp - self._look_atp)

    def _see(self, image: Pixels, square: Square, stamp_ns: int, source: str) -> Percept:
        encode = self._encode
        if encode is None:
            raise RuntimeError("look runs before its encoder is loaded")
        return self._context.tiles(
            partial(draw, image, square), stamp_ns, lambda tile: encode(tile, stamp_ns, source)
        )


def _moved(state: LookState) -> float:
    """1 - cosine between the embeddings of the whole and of the tile."""
    return float(1.0 - np.dot(state.first.embedding, state.percept.embedding))


def _rounded(percept: Percept) -> list[float]:
    return [round(float(value), 6) for value in percept.embedding]


def _described(look: TileLook) -> dict[str, Any]:
    left, top, side = look.square
    return {
        "row": look.tile.row,
        "column": look.tile.column,
        "salience": round(look.tile.salience, 4),
        "tile": {"left": left, "top": top, "side": side, "scale": TILE_PX / side},
        "embedding": _rounded(look.percept),
    }


def _jpeg(tile: Pixels) -> str:
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(tile, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise InvalidInput("tile", tile.shape, "a picture that JPEG can hold")
    return base64.b64encode(data.tobytes()).decode("ascii")
