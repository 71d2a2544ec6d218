"""Trains the vision embedding: a head on the frozen encoder learns what EfficientNet-Lite0 sees.

Distillation to a linear compression of the teacher's features (principal components), as in
Romero et al. 2015, FitNets. No labels are used here; the teacher has seen those of ImageNet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sage_encoders.backends.opencv_resize import resize
from sage_training.recipe import Networks, Schedule, Stage
from sage_training.vision.embedding_network import EMBEDDING, VisionEmbedding
from sage_training.vision.embedding_teacher import features as teacher_features
from sage_training.vision.network import GRID, SIDE
from sage_training.vqvae.autoencoder import Autoencoder

Image = NDArray[np.uint8]

SMALLEST_WINDOW = 24
"""Cells; the head sees random square windows of the grid, so that place matters less."""
WHITENING = 0.5
"""Power of the inverse spread by which components are scaled: 0 keeps it, 1 makes all equal."""
TRUNK_BATCH = 32


@dataclass(frozen=True)
class Source:
    """Images that the head learns from.

    Attributes:
        images: RGB uint8 [N, side, side, 3].
        crops: this many random squares of each image, beside the whole of it.
        smallest_area: share of the image that a crop covers at least.
    """

    images: NDArray[np.uint8]
    crops: int
    smallest_area: float

    def views(self, rng: np.random.Generator) -> Iterator[Image]:
        """Of each image the whole and its crops, at 224x224."""
        for image in self.images:
            yield resize(image, SIDE, SIDE)
            for _ in range(self.crops):
                yield _crop(image, self.smallest_area, rng)


class EmbeddingStage(Stage):
    """The head, trained on features of the encoder that the stage `puzzle` has trained.

    Before the first step the teacher looks at every view (15 ms of a core each), and the encoder's
    features of all views are kept in memory: 115 KB each. Half of the views are mirrored for the
    encoder, but not for the teacher: the target is the same.

    Args:
        schedule: how long and how fast.
        sources: what to learn from; nothing that recall is measured on as a question.
        seed: of the views.
    """

    name: ClassVar[str] = "embedding"

    def __init__(self, schedule: Schedule, sources: Sequence[Source], seed: int) -> None:
        super().__init__(schedule)
        self.sources, self.seed = sources, seed
        self.encoder: nn.Module | None = None
        self.lesson: tuple[Tensor, Tensor] | None = None

    def network(self, earlier: Networks) -> nn.Module:
        """See `Stage`; the encoder is used, not trained."""
        self.encoder = cast(Autoencoder, earlier["puzzle"]).encoder
        return VisionEmbedding().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Windows of features [batch, 64, n, n], and targets [batch, 128] of unit length."""
        if self.lesson is None:
            self.lesson = self._prepare()
        seen, targets = self.lesson
        chosen = torch.from_numpy(rng.integers(0, len(seen), self.schedule.batch))
        size = int(rng.integers(SMALLEST_WINDOW, GRID + 1))
        top, left = rng.integers(0, GRID - size + 1, 2)
        window = seen[chosen, :, top : top + size, left : left + size].float()
        return window.contiguous(memory_format=torch.channels_last), targets[chosen]

    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        """One minus the cosine to the target."""
        window, target = batch
        error = 1 - (network(window) * target).sum(1).mean()
        return error, error.detach()

    def views(self) -> Iterator[Image]:
        """Every view of every source, the same at each call."""
        rng = np.random.default_rng(self.seed)
        for source in self.sources:
            yield from source.views(rng)

    @torch.no_grad()
    def _prepare(self) -> tuple[Tensor, Tensor]:
        """Features of the encoder, float16 [N, 64, 30, 30], and the targets."""
        if self.encoder is None:
            raise RuntimeError("EmbeddingStage.batch was called before EmbeddingStage.network")
        rng = np.random.default_rng((self.seed, 1))
        seen = []
        for views in batched(self.views(), TRUNK_BATCH):
            turned = [view[:, ::-1] if rng.random() < 0.5 else view for view in views]
            seen.append(self.encoder(torch.from_numpy(np.stack(turned)))[0].half())
        targets = compressed(teacher_features(self.views()), EMBEDDING)
        return torch.cat(seen), torch.from_numpy(targets)


def batched(views: Iterator[Image], size: int) -> Iterator[list[Image]]:
    """Lists of `size` views; the last may be shorter."""
    while group := list(islice(views, size)):
        yield group


def compressed(features: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Their first principal components, partly whitened, at unit length: [N, F] -> [N, width]."""
    centred = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    largest = np.argsort(-variances)[:width]
    scale = np.maximum(variances[largest], 1e-12) ** (-WHITENING / 2)
    components = centred @ (directions[:, largest] * scale)
    length = np.linalg.norm(components, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (components / np.maximum(length, 1e-12)).astype(np.float32)
    return unit


def _crop(image: Image, smallest_area: float, rng: np.random.Generator) -> Image:
    """A random square with, half of the time, changed exposure."""
    whole = len(image)
    side = round(whole * math.sqrt(rng.uniform(smallest_area, 1.0)))
    top, left = rng.integers(0, whole - side + 1, 2)
    crop = resize(image[top : top + side, left : left + side], SIDE, SIDE)
    if rng.random() < 0.5:
        gain, offset = rng.uniform(0.6, 1.25), rng.uniform(-30, 30)
        crop = np.clip(crop * gain + offset, 0, 255).astype(np.uint8)
    return crop
