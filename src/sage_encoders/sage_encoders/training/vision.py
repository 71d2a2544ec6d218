"""Trains the vision encoder and, on the same photographs, the reference that it must beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sage_encoders.training import data, export, projection
from sage_encoders.training.autoencoder import PuzzleStage, order_codes
from sage_encoders.training.photograph_views import view
from sage_encoders.training.recipe import Networks, Recipe, Schedule
from sage_encoders.training.vision_measures import reconstruction, view_retrieval
from sage_encoders.training.vision_network import (
    GRID,
    VisionAutoencoder,
    VisionDecoderGraph,
    VisionEncoderGraph,
    pooled,
    vision_autoencoder,
)
from sage_encoders.training.vision_reference import ReferenceEncoderGraph, reference_autoencoder

ENCODER_FILE, DECODER_FILE = "vision_encoder.onnx", "vision_decoder.onnx"
EMBEDDING = 128
EVENNESS = 0.003
EPOCHS, WARM_UP_SHARE = 30, 0.06
CODEBOOK_IMAGES = 48
VIEWS = 4

Images = list[NDArray[np.uint8]]


class PhotographStage(PuzzleStage):
    """A vision VQ-VAE learns from views of photographs.

    Args:
        schedule: how long and how fast.
        build: makes the untrained model.
        images: RGB uint8 [H, W, 3], at least 224x224.
    """

    def __init__(
        self, schedule: Schedule, build: Callable[[], VisionAutoencoder], images: Images
    ) -> None:
        warm_up = max(1, round(WARM_UP_SHARE * schedule.epochs))
        super().__init__(schedule, build, warm_up, EVENNESS)
        self.images = images

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Views, uint8 [batch, 224, 224, 3]."""
        return (views(self.images, self.schedule.batch, rng),)

    def codebook_batch(self, rng: np.random.Generator) -> Tensor:
        """See `PuzzleStage`."""
        return views(self.images, CODEBOOK_IMAGES, rng)


class Photographs(Recipe):
    """What the vision recipes share: data and split."""

    @cached_property
    def photographs(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """All 800 photographs, uint8 [800, 224, 224, 3], and which of them are held out."""
        names, images = data.photographs(self.data / data.PHOTOGRAPHS)
        return images, data.held_out_photographs(len(names))

    def training_images(self) -> Images:
        """Photographs that are not held out, and the scenes."""
        images, held_out = self.photographs
        return [*images[~held_out], *data.scenes(self.data / data.SCENES)]

    def puzzle_stage(self, build: Callable[[], VisionAutoencoder]) -> PhotographStage:
        """The same images, steps and rates for every network.

        Small batches: at equal time, many steps beat large ones for ours and the reference.
        """
        schedule = Schedule(self.epochs or EPOCHS, steps=280, batch=4, rate=2e-3)
        return PhotographStage(schedule, build, self.training_images())

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out photographs."""
        images, held_out = self.photographs
        encoder, decoder = (models / name for name in self.files)
        return reconstruction(encoder, decoder, images, held_out, self.seed)

    def card(self, model: VisionAutoencoder) -> dict[str, Any]:
        """Fields that the cards of encoder and decoder share."""
        return {
            "version": "2",
            "code_order": "mean luminance (Rec. 709) of the image decoded from that code alone",
            "parameters": model.parameter_count(),
            "data": (
                f"{data.PHOTOGRAPHS}: 800 ImageNet photographs (non-commercial research); "
                f"{data.SCENES}: 100 COCO photographs (Flickr)"
            ),
            "split": (
                "by image: of the 800, in order of name, every tenth is held out (80); "
                "the other 720 and the 100 train"
            ),
        }


class Vision(Photographs):
    """The vision VQ-VAE and its embedding."""

    name = "vision"
    files = (ENCODER_FILE, DECODER_FILE)

    def stages(self) -> Sequence[PhotographStage]:
        """See `Recipe`."""
        return (
            PhotographStage(self.schedule(4, 2e-3), vision_autoencoder, self.training_images()),
        )

    def finish(self, networks: Networks) -> None:
        """Order the codes by luminance and fit the embedding."""
        model = cast(VisionAutoencoder, networks["puzzle"])
        self.code_luminance = order_codes(model, luminance, GRID * GRID)
        self.head = fit_embedding(model, self.training_images(), self.seed)

    def export(self, networks: Networks, out: Path) -> None:
        """See `Recipe`."""
        model = cast(VisionAutoencoder, networks["puzzle"])
        example = torch.zeros(2, 224, 224, 3, dtype=torch.uint8)
        graph = VisionEncoderGraph(model, self.head)
        export.export(graph, example, "image", ("codes", "embedding"), out / ENCODER_FILE)
        export_decoder(model, out / DECODER_FILE)

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out photographs, and how well they are found again."""
        images, held_out = self.photographs
        found = view_retrieval(models / ENCODER_FILE, images[held_out])
        return {**super().measure(models), **found}

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        """See `Recipe`."""
        shared = self.card(cast(VisionAutoencoder, networks["puzzle"]))
        shared["code_luminance"] = self.code_luminance
        encoder = {
            "name": "sage-vision",
            "input": "image: uint8 [N, 224, 224, 3], RGB",
            "output": f"codes: uint8 [N, 30, 30], 0..9; embedding: float32 [N, {EMBEDDING}], unit",
        }
        decoder = {
            "name": "sage-vision-decoder",
            "input": "codes: uint8 [N, 30, 30], 0..9",
            "output": "image: uint8 [N, 224, 224, 3], RGB",
        }
        return {ENCODER_FILE: {**encoder, **shared}, DECODER_FILE: {**decoder, **shared}}


class VisionReference(Photographs):
    """The reference architecture, trained like ours on the same photographs."""

    name = "vision_reference"
    files = (f"reference/{ENCODER_FILE}", f"reference/{DECODER_FILE}")

    def stages(self) -> Sequence[PhotographStage]:
        """See `Recipe`."""
        return (self.puzzle_stage(reference_autoencoder),)

    def finish(self, networks: Networks) -> None:
        """Order the codes, so that its puzzles can be compared."""
        order_codes(cast(VisionAutoencoder, networks["puzzle"]), luminance, GRID * GRID)

    def export(self, networks: Networks, out: Path) -> None:
        """See `Recipe`."""
        model = cast(VisionAutoencoder, networks["puzzle"])
        example = torch.zeros(2, 224, 224, 3, dtype=torch.uint8)
        export.export(
            ReferenceEncoderGraph(model), example, "image", ("codes",), out / self.files[0]
        )
        export_decoder(model, out / self.files[1])

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        """See `Recipe`."""
        shared = self.card(cast(VisionAutoencoder, networks["puzzle"]))
        shared["purpose"] = "only to be measured against; the graph never runs it"
        encoder = {
            "name": "reference-vision",
            "input": "image: uint8 [N, 224, 224, 3], RGB",
            "output": "codes: uint8 [N, 30, 30], 0..9",
        }
        decoder = {
            "name": "reference-vision-decoder",
            "input": encoder["output"],
            "output": encoder["input"],
        }
        return {self.files[0]: {**encoder, **shared}, self.files[1]: {**decoder, **shared}}


def views(images: Images, count: int, rng: np.random.Generator) -> Tensor:
    """Random views, uint8 [count, 224, 224, 3]."""
    return torch.from_numpy(np.stack([view(images, rng) for _ in range(count)]))


def luminance(decoded: Tensor) -> Tensor:
    """Mean luminance (Rec. 709), in [0, 1], of decoder outputs [N, 3, H, W]."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]
    return ((decoded.clamp(-1, 1) + 1) / 2 * weights).sum(1).mean((1, 2))


def export_decoder(model: VisionAutoencoder, path: Path) -> None:
    """Write the decoder as ONNX."""
    grids = torch.zeros(2, GRID, GRID, dtype=torch.uint8)
    export.export(VisionDecoderGraph(model), grids, "codes", ("image",), path)


@torch.no_grad()
def fit_embedding(model: VisionAutoencoder, images: Images, seed: int) -> projection.Projection:
    """The embedding head, fitted to some views of every training image."""
    rng = np.random.default_rng(seed)
    features = [pooled(model.encoder(views([image], VIEWS, rng))[0]) for image in images]
    return projection.fit(torch.stack(features), EMBEDDING)
