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

from sage_training import data, image_sets
from sage_training.recipe import Networks, Schedule, Stage
from sage_training.vision import embedding_measures
from sage_training.vision.embedding import EmbeddingStage, Source
from sage_training.vision.embedding_network import EMBEDDING
from sage_training.vision.measures import reconstruction, view_retrieval
from sage_training.vision.network import (
    SIDE,
    VisionAutoencoder,
    VisionDecoderGraph,
    VisionEncoderGraph,
    vision_autoencoder,
)
from sage_training.vision.reference import ReferenceEncoderGraph, reference_autoencoder
from sage_training.vision.views import view
from sage_training.vqvae.autoencoder import Autoencoder, PuzzleStage
from sage_training.vqvae.recipe import CODES_TEXT, PuzzleRecipe

ENCODER_FILE, DECODER_FILE = "vision_encoder.onnx", "vision_decoder.onnx"
EVENNESS = 0.01
EPOCHS, WARM_UP_SHARE = 32, 0.08
EMBEDDING_EPOCHS = 10
CODEBOOK_IMAGES = 48
CALIBRATION_VIEWS = 64

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
        """The same images, steps and rates for every network."""
        schedule = Schedule(self.epochs or EPOCHS, steps=50, batch=16, rate=2e-3)
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
    kept_figures = ("mse", "view_retrieval", "cifar10_accuracy_10nn")
    encoder_name = "sage-vision"
    outputs: ClassVar = {
        "codes": CODES_TEXT,
        "embedding": f"embedding: float32 [N, {EMBEDDING}], unit",
    }

    def stages(self) -> Sequence[Stage]:
        """The VQ-VAE, then the head on its frozen encoder."""
        return self.puzzle_stage(vision_autoencoder), self.embedding_stage()

    def embedding_stage(self) -> EmbeddingStage:
        """Learns from all images here that recall is not measured on as questions."""
        images, held_out = self.photographs
        sources = (
            Source(image_sets.cifar_lossless(self.data).pixels, crops=0, smallest_area=1.0),
            Source(image_sets.tiny_imagenet(self.data)[0].pixels, crops=1, smallest_area=0.5),
            Source(images[~held_out], crops=3, smallest_area=0.3),
        )
        epochs = self.epochs or EMBEDDING_EPOCHS
        schedule = Schedule(epochs, steps=235, batch=64, rate=4e-3, weight_decay=1e-2)
        return EmbeddingStage(schedule, sources, self.seed)

    def export(self, networks: Networks, out: Path) -> None:
        """See `Recipe`."""
        self.head = networks["embedding"]
        super().export(networks, out)

    def encoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return VisionEncoderGraph(model, self.head)

    def source(self) -> dict[str, str]:
        """See `PuzzleRecipe`."""
        return {
            **super().source(),
            "embedding": (
                f"distilled, without labels, from EfficientNet-Lite0 (Apache-2.0; trained on "
                f"ImageNet's labels) on the training photographs, {image_sets.CIFAR_LOSSLESS} and "
                f"{image_sets.TINY_IMAGENET} without the images that ask in the accuracies below"
            ),
        }

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out photographs, and how well they are found again."""
        images, held_out = self.photographs
        return {
            **super().measure(models),
            **view_retrieval(models / ENCODER_FILE, images[held_out]),
            **embedding_measures.class_accuracy(models / ENCODER_FILE, self.data),
            **embedding_measures.ceiling(self.data),
        }

    def calibration(self, models: Path) -> dict[str, NDArray[Any]]:
        """See `Recipe`."""
        rng = np.random.default_rng(self.seed)
        return {ENCODER_FILE: views(self.training_images, CALIBRATION_VIEWS, rng).numpy()}


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
        return ReferenceEncoderGraph(cast(VisionAutoencoder, model))


def views(images: Images, count: int, rng: np.random.Generator) -> Tensor:
    """Random views, uint8 [count, 224, 224, 3]."""
    return torch.from_numpy(np.stack([view(images, rng) for _ in range(count)]))
