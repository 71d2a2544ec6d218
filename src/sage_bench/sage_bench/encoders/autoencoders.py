"""The tiny VAE, which is distilled, and the light one, whose latent space refinement works in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sage_bench.encoders import quality
from sage_bench.encoders.quality import Judged
from sage_bench.encoders.section import Figures, Setting
from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_bench.encoders.vision import held_out_photographs
from sage_bench.result import Row
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import read_card
from sage_encoders.core.latent import LATENT_SHAPE

TINY = Judged("tiny_vae", "tiny_vae_encoder.onnx", goals={"mse": 0.015, "parameters": 294_000})
LIGHT = Judged("light_vae", "light_vae_encoder.onnx")
LIGHT_DECODER = "light_vae_decoder.onnx"
GOAL_TIMES_SMALLER = 30.0


def tiny_rows(setting: Setting) -> Figures:
    """Error and size of the student, beside the same one without a teacher."""
    found = quality.rows(TINY, setting)
    card = read_card(setting.model(TINY.file).with_suffix(".json"))
    distillation = card.body["distillation"]
    others = {
        "distilled": distillation["distilled_mse"],
        "undistilled control": distillation["control_mse"],
        "teacher": distillation["teacher_mse"],
    }
    rows = [
        replace(row, baselines={**others, **row.baselines}) if "MSE" in row.name else row
        for row in found.rows
    ]
    times = Row(
        "tiny_vae times smaller than its teacher", distillation["teacher_to_student"], "",
        GOAL_TIMES_SMALLER, "higher",
    )  # fmt: skip
    low, high = distillation["gain_95_percent"]
    note = (
        f"tiny_vae: {distillation['verdict']} (gain in MSE {low} to {high}, 95 %, by its card); "
        f"shipped is the {distillation['shipped']} student"
    )
    return Figures((*rows, times), (*found.notes, note))


def light_rows(setting: Setting) -> Figures:
    """Error, time and size of the latent."""
    found = quality.rows(LIGHT, setting)
    encoder, decoder = (OnnxModel(setting.model(f)) for f in (LIGHT.file, LIGHT_DECODER))
    images = held_out_photographs(setting)
    latents = [encoder.run(image=image[None])["latent"] for image in images[:8]]
    variants = {
        "encode": Variant(lambda number: encoder.run(image=images[number % len(images)][None])),
        "decode": Variant(lambda number: decoder.run(latent=latents[number % len(latents)])),
    }
    taken_ms = alternating_ms(variants, setting.runs, setting.limit_s)
    times = [
        row_of_variants(f"light_vae {step}, one core, p50", {step: samples})
        for step, samples in taken_ms.items()
    ]
    picture = float(images[0].nbytes)
    size = Row(
        "light_vae latent as int8", float(np.prod(LATENT_SHAPE)), "bytes",
        baselines={"picture": picture},
    )  # fmt: skip
    return Figures((*found.rows, *times, size), found.notes)
