"""A closer look: the attended region of the native image, encoded with ever finer pixels."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_orchestrator.core.plugin import (
    Budget,
    Context,
    Interest,
    NothingToDo,
    Plugin,
    Region,
    Task,
)

Pixels = NDArray[np.uint8]
Encode = Callable[[Pixels, int, str], Percept]
"""Encodes RGB uint8 [224, 224, 3], with its stamp and source."""

VISION_MODEL = "vision_encoder.onnx"
TILE_PX = 224
SHRINK = 0.7
"""Side of each tile over that of the one before."""
LEAST_SALIENCE = 0.1
"""A constant scene stays below it."""
ALL_SEEN = 0.02
NOISE_LEVEL = 2.0
"""Grey levels (of 255) of sensor noise: variation of this size is no detail."""


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        image: native RGB uint8 [H, W, 3].
        region: of attention, inside the image.
        tile: square [px of the image] seen now: left, top, side.
        first, percept: the encoded whole and the encoded tile.
        missing: [0, 1] part of the region's detail that the tile's pixels are too coarse to show.
    """

    image: Pixels
    region: Region
    tile: tuple[int, int, int]
    first: Percept
    percept: Percept
    missing: float


class Focus(Plugin[Look]):
    """Energy = part of the region's detail that the encoder has not seen yet, in [0, 1].

    It begins with the largest square around the region, which is about what peripheral sight
    encodes, and shrinks it to the region; a step is one tile encoded. A region without detail
    ends at once, and a blurred one early.
    """

    name = "focus"
    interest = Interest(
        "attention", "vision", min_salience=LEAST_SALIENCE, period_s=0.5, request_atp=250.0
    )
    nominal_step_ns = 3_000_000
    max_steps = 12
    epsilon = 0.005

    def __init__(self, context: Context, load_encoder: Callable[[], Encode]) -> None:
        """`load_encoder` is called on the worker, before the first run."""
        self._context = context
        self._load_encoder = load_encoder
        self._encode: Encode | None = None

    def load(self) -> None:
        self._encode = self._load_encoder()

    def unload(self) -> None:
        self._encode = None

    def init_state(self, task: Task, budget: Budget) -> Look:
        image = self._context.image(task.source, task.stamp_ns)
        if image is None:
            raise NothingToDo(f"no image of {task.source} near that time")
        height, width = image.shape[:2]
        region = _inside(task.region or _centre(width, height), width, height)
        tile = _tile(region, min(width, height), width, height)
        percept = self._see(image, tile, task.stamp_ns, task.source)
        return Look(image, region, tile, percept, percept, missing_detail(image, region, tile[2]))

    def step(self, state: Look) -> Look:
        height, width = state.image.shape[:2]
        closest = max(state.region.width, state.region.height)
        side = max(round(state.tile[2] * SHRINK), min(closest, state.tile[2]))
        tile = _tile(state.region, side, width, height)
        percept = self._see(state.image, tile, state.first.stamp_ns, state.first.source)
        missing = missing_detail(state.image, state.region, tile[2])
        return replace(state, tile=tile, percept=percept, missing=missing)

    def energy(self, state: Look) -> float:
        return state.missing

    def feasible(self, state: Look) -> bool:
        closest = max(state.region.width, state.region.height)
        return state.missing <= ALL_SEEN or state.tile[2] <= max(closest, 1)

    def result(self, state: Look) -> Mapping[str, Any]:
        left, top, side = state.tile
        scale = TILE_PX / side
        summary = (
            f"tile of {side} px at {scale:.2f}x, {1.0 - state.missing:.0%} of the detail seen, "
            f"meaning moved by {_moved(state):.2f}"
        )
        return {
            "summary": summary,
            "encoder_id": state.percept.encoder_id,
            "embedding": [round(float(value), 6) for value in state.percept.embedding],
            "tile": {"left": left, "top": top, "side": side, "scale": scale},
            "missing_detail": state.missing,
            "moved": _moved(state),
            "tile_jpeg_base64": _jpeg(cut(state.image, state.tile)),
        }

    def telemetry(self, state: Look) -> Mapping[str, float | str | bool]:
        return {"side_px": state.tile[2], "moved": _moved(state)}

    def _see(
        self, image: Pixels, tile: tuple[int, int, int], stamp_ns: int, source: str
    ) -> Percept:
        if self._encode is None:
            raise RuntimeError("focus runs before its encoder is loaded")
        return self._encode(cut(image, tile), stamp_ns, source)


def cut(image: Pixels, tile: tuple[int, int, int]) -> Pixels:
    """A square of the image, scaled to [224, 224, 3]."""
    left, top, side = tile
    piece = image[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > TILE_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(piece, (TILE_PX, TILE_PX), interpolation=method), np.uint8)


def missing_detail(image: Pixels, region: Region, side: int) -> float:
    """Part of a region's detail that is lost when a square of `side` px is seen as 224 px.

    The region is reduced as the square would be, enlarged again, and compared with itself:
    root mean square of the difference over the standard deviation, in luminance.
    """
    top, left = region.top, region.left
    piece = image[top : top + region.height, left : left + region.width]
    grey = cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = TILE_PX / side
    if scale >= 1.0:
        return 0.0
    height, width = grey.shape
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    coarse = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
    back = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    lost = float(np.sqrt(np.mean(np.square(grey - back))))
    return min(1.0, lost / (float(grey.std()) + NOISE_LEVEL))


def _tile(region: Region, side: int, width: int, height: int) -> tuple[int, int, int]:
    """The square of `side` px around the region's centre, moved to lie inside the image."""
    side = max(1, min(side, width, height))
    left = region.left + region.width // 2 - side // 2
    top = region.top + region.height // 2 - side // 2
    return min(max(left, 0), width - side), min(max(top, 0), height - side), side


def _inside(region: Region, width: int, height: int) -> Region:
    """The region, cut at the image's edges.

    Raises:
        InvalidInput: it lies outside.
    """
    left, top = max(region.left, 0), max(region.top, 0)
    right = min(region.left + region.width, width)
    bottom = min(region.top + region.height, height)
    if right <= left or bottom <= top:
        raise InvalidInput("region", region, f"a region inside {width} x {height} px")
    return Region(left, top, right - left, bottom - top)


def _centre(width: int, height: int) -> Region:
    return Region(width // 4, height // 4, max(1, width // 2), max(1, height // 2))


def _moved(state: Look) -> float:
    """1 - cosine between the embeddings of the whole and of the tile."""
    return float(1.0 - np.dot(state.first.embedding, state.percept.embedding))


def _jpeg(tile: Pixels) -> str:
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(tile, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise InvalidInput("tile", tile.shape, "a picture that JPEG can hold")
    return base64.b64encode(data.tobytes()).decode("ascii")


def create(context: Context) -> Focus:
    """Entry point: with the vision encoder's model."""

    def load() -> Encode:
        # Imported on first use: the node starts, and others run, without the model's runtime.
        from sage_encoders.backends.models_folder import models_folder
        from sage_encoders.backends.onnx_model import OnnxModel
        from sage_encoders.backends.opencv_resize import resize
        from sage_encoders.core.vision import VisionEncoder

        model = OnnxModel(models_folder(context.models_dir) / VISION_MODEL)
        return VisionEncoder(model, resize).encode

    return Focus(context, load)
