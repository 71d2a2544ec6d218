"""Trains the vision encoder and, on the same photographs, the reference that it must beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sage_encoders.training import data, projection
from sage_encoders.training.autoencoder import Autoencoder, PuzzleStage
from sage_encoders.training.photograph_views import view
from sage_encoders.training.puzzle_recipe import CODES_TEXT, PuzzleRecipe
from sage_encoders.training.recipe import Networks, Schedule, Stage
from sage_encoders.training.vision_measures import reconstruction, view_retrieval
from sage_encoders.training.vision_network import (
    SIDE,
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


class Photographs(PuzzleRecipe):
    """What the vision recipes share: data and split."""

    version = "2"
    input_name, input_text = "image", "image: uint8 [N, 224, 224, 3], RGB"
    order_text = "mean luminance (Rec. 709) of the image decoded from that code alone"

    @cached_property
    def photographs(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """All 800 photographs, uint8 [800, 224, 224, 3], and which of them are held out."""
        names, images = data.photographs(self.data / data.PHOTOGRAPHS)
        return images, data.held_out_photographs(len(names))

    @cached_property
    def training_images(self) -> Images:
        """Photographs that are not held out, and the scenes."""
        images, held_out = self.photographs
        return [*images[~held_out], *data.scenes(self.data / data.SCENES)]

    def puzzle_stage(self, build: Callable[[], VisionAutoencoder]) -> PhotographStage:
        """The same images, steps and rates for every network.

        Small batches: at equal time, many steps beat large ones for ours and the reference.
        """
        schedule = Schedule(self.epochs or EPOCHS, steps=280, batch=4, rate=2e-3)
        return PhotographStage(schedule, build, self.training_images)

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out photographs."""
        images, held_out = self.photographs
        encoder, decoder = (models / name for name in self.files)
        return reconstruction(encoder, decoder, images, held_out, self.seed)

    def example(self) -> Tensor:
        """See `PuzzleRecipe`."""
        return torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8)

    def code_scalar(self, decoded: Tensor) -> Tensor:
        """Mean luminance (Rec. 709), in [0, 1], of decoder outputs [N, 3, H, W]."""
        weights = torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]
        return ((decoded.clamp(-1, 1) + 1) / 2 * weights).sum(1).mean((1, 2))

    def decoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return VisionDecoderGraph(model)

    def source(self) -> dict[str, str]:
        """See `PuzzleRecipe`."""
        return {
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
    encoder_name = "sage-vision"
    outputs: ClassVar = {
        "codes": CODES_TEXT,
        "embedding": f"embedding: float32 [N, {EMBEDDING}], unit",
    }

    def stages(self) -> Sequence[Stage]:
        """See `Recipe`."""
        return (self.puzzle_stage(vision_autoencoder),)

    def finish(self, networks: Networks) -> None:
        """Order the codes by luminance and fit the embedding."""
        super().finish(networks)
        model = cast(VisionAutoencoder, networks["puzzle"])
        self.head = fit_embedding(model, self.training_images, self.seed)

    def encoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return VisionEncoderGraph(model, self.head)

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out photographs, and how well they are found again."""
        images, held_out = self.photographs
        found = view_retrieval(models / ENCODER_FILE, images[held_out])
        return {**super().measure(models), **found}


class VisionReference(Photographs):
    """The reference architecture, trained like ours on the same photographs.

    It is only measured against; the graph never runs it.
    """

    name = "vision_reference"
    files = (f"reference/{ENCODER_FILE}", f"reference/{DECODER_FILE}")
    encoder_name = "reference-vision"

    def stages(self) -> Sequence[Stage]:
        """See `Recipe`."""
        return (self.puzzle_stage(reference_autoencoder),)

    def encoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return ReferenceEncoderGraph(model)


def views(images: Images, count: int, rng: np.random.Generator) -> Tensor:
    """Random views, uint8 [count, 224, 224, 3]."""
    return torch.from_numpy(np.stack([view(images, rng) for _ in range(count)]))


@torch.no_grad()
def fit_embedding(model: VisionAutoencoder, images: Images, seed: int) -> projection.Projection:
    """The embedding head, fitted to some views of every training image."""
    rng = np.random.default_rng(seed)
    features = [pooled(model.encoder(views([image], VIEWS, rng))[0]) for image in images]
    return projection.fit(torch.stack(features), EMBEDDING)
