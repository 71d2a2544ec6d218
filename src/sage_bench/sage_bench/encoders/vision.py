"""Time of the vision encoder, beside the reference architecture and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import NO_TORCH, Figures, Setting, has_torch
from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_bench.result import row_of_samples
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.vision import VisionEncoder
from sage_training import data

MODEL, REFERENCE = "vision_encoder", "reference/vision_encoder.onnx"
GOAL_MS = 2.3
CAMERA_PX = (480, 848, 3)

Images = NDArray[np.uint8]


def time_rows(setting: Setting) -> Figures:
    """Milliseconds of one picture, and apart from it of scaling one."""
    images = held_out_photographs(setting)
    taken_ms = alternating_ms(_variants(setting, images), setting.runs, setting.limit_s)
    frame = np.random.default_rng(0).integers(0, 256, CAMERA_PX, np.uint8)
    encoder = VisionEncoder(setting.open(MODEL), resize)
    scaled_ms = alternating_ms(
        {"": Variant(lambda _: encoder.square(frame))}, setting.runs, setting.limit_s
    )[""]
    rows = (
        row_of_variants("vision encode, one core, p50", taken_ms, GOAL_MS),
        row_of_samples("vision resize, 848x480 to 224x224, p50", scaled_ms, "ms"),
    )
    return Figures(rows, () if has_torch() else (NO_TORCH,))


def held_out_photographs(setting: Setting) -> Images:
    """uint8 [80, 224, 224, 3]."""
    names, images = data.photographs(setting.file(data.PHOTOGRAPHS))
    return images[data.held_out_photographs(len(names))]


def _variants(setting: Setting, images: Images) -> dict[str, Variant]:
    """The first is what is measured; the others stand beside it."""
    reference = setting.model(REFERENCE)
    ours = {n: VisionEncoder(setting.open(MODEL, n), resize) for n in (1, 2)}
    theirs = {n: OnnxModel(reference, threads=n) for n in (1, 2)}

    def each(run: Callable[[Images], Any]) -> Callable[[int], Any]:
        return lambda number: run(images[number % len(images)])

    variants = {
        "ours": Variant(each(lambda image: ours[1].encode(image, 0, "bench"))),
        "ours, two threads": Variant(each(lambda image: ours[2].encode(image, 0, "bench"))),
        "reference": Variant(each(lambda image: theirs[1].run(image=image[None]))),
        "reference, two threads": Variant(each(lambda image: theirs[2].run(image=image[None]))),
    }
    if has_torch():
        variants |= _in_pytorch(each)
    return variants


def _in_pytorch(
    each: Callable[[Callable[[Images], Any]], Callable[[int], Any]],
) -> dict[str, Variant]:
    from sage_training import eager

    ours, theirs = eager.vision(), eager.vision_of_reference()
    own, reference = each(lambda i: ours(i[None])), each(lambda i: theirs(i[None]))
    return {
        "ours in PyTorch": Variant(own, lambda: eager.set_threads(1)),
        "reference in PyTorch": Variant(reference, lambda: eager.set_threads(1)),
        "reference in PyTorch, two threads": Variant(reference, lambda: eager.set_threads(2)),
    }
