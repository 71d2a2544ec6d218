"""The recipe of the light VAE, whose 7x7x256 latent is what refinement works in.

Its encoder states no variance of its own: all latents get the same noise in training, and a weak
pull towards zero takes the place of the KL divergence (Ghosh et al. 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sage_training import data, export
from sage_training.light_vae.calibration import picture_and_latent_inputs
from sage_training.light_vae.measures import measure
from sage_training.light_vae.network import (
    LightDecoderGraph,
    LightEncoderGraph,
    LightVae,
    multiply_adds,
    parameter_counts,
    signed,
    started,
)
from sage_training.recipe import Networks, Recipe, Schedule, Stage

ENCODER_FILE, DECODER_FILE = "light_vae_encoder.onnx", "light_vae_decoder.onnx"
EPOCHS = 10
CALIBRATION_IMAGES = 48
CROP = 128
"""Side of the training crops [px]: the network is convolutional, and small crops are cheap."""
NOISE = 0.03
"""Standard deviation added to latents of unit variance: as much as rounding to int8, and more."""
PULL = 1e-5
"""Weight of the latents' mean square: keeps them near unit variance."""


class Photographs(Stage):
    """Encoder and decoder together, with noise in between."""

    name = "autoencoder"

    def __init__(self, schedule: Schedule, images: NDArray[np.uint8]) -> None:
        super().__init__(schedule)
        self.images = images

    def network(self, earlier: Networks) -> LightVae:
        return started(self.images)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Crops, half of them mirrored: [batch, 3, 128, 128]."""
        room = self.images.shape[1] - CROP + 1
        crops = []
        for index in rng.integers(0, len(self.images), self.schedule.batch):
            top, left = rng.integers(0, room, 2)
            crop = self.images[index, top : top + CROP, left : left + CROP]
            crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
        return (signed(np.stack(crops)),)

    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(network, LightVae)
        (images,) = batch
        latent = network.encode(images)
        decoded = network.decode(latent + NOISE * torch.randn_like(latent))
        error = functional.mse_loss(decoded, images)
        return error + PULL * latent.square().mean(), error


class LightVaeRecipe(Recipe):
    """Trained on photographs; see `Recipe`."""

    name = "light_vae"
    files = (ENCODER_FILE, DECODER_FILE)

    @cached_property
    def images(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Photographs to train on and held-out ones, uint8 [N, 224, 224, 3]."""
        names, pixels = data.photographs(self.data / data.PHOTOGRAPHS)
        held_out = data.held_out_photographs(len(names))
        return pixels[~held_out], pixels[held_out]

    def stages(self) -> Sequence[Stage]:
        schedule = Schedule(self.epochs or EPOCHS, steps=60, batch=4, rate=1e-3)
        return [Photographs(schedule, self.images[0])]

    def export(self, networks: Networks, out: Path) -> None:
        model = networks[Photographs.name]
        assert isinstance(model, LightVae)
        example = torch.from_numpy(self.images[0][:2])
        export.export(LightEncoderGraph(model), example, "image", ("latent",), out / ENCODER_FILE)
        latent = torch.zeros(2, 7, 7, 256)
        export.export(LightDecoderGraph(model), latent, "latent", ("image",), out / DECODER_FILE)

    def measure(self, models: Path) -> dict[str, Any]:
        return measure(models / ENCODER_FILE, models / DECODER_FILE, *self.images)

    def calibration(self, models: Path) -> dict[str, NDArray[Any]]:
        """See `Recipe`."""
        encoder, decoder = models / ENCODER_FILE, models / DECODER_FILE
        return picture_and_latent_inputs(encoder, decoder, self.images[0], CALIBRATION_IMAGES)

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        model = networks[Photographs.name]
        assert isinstance(model, LightVae)
        encoder, decoder = parameter_counts(model)
        encoding, decoding = multiply_adds(model)
        image = "image: uint8 [N, 224, 224, 3], RGB"
        latent = "latent: float32 [N, 7, 7, 256], about unit variance; int8 by core.latent"
        shared = {
            "version": "1",
            "data": f"{data.PHOTOGRAPHS}: 800 ImageNet photographs (non-commercial research)",
            "split": "by image: every tenth name in order is held out (80), the others train (720)",
            "start": "principal components of each scale of the training photographs",
            "latent_noise": NOISE,
        }
        return {
            ENCODER_FILE: {
                "name": "sage-light-vae",
                "input": image,
                "output": latent,
                "parameters": encoder,
                "multiply_adds": encoding,
                **shared,
            },
            DECODER_FILE: {
                "name": "sage-light-vae-decoder",
                "input": latent,
                "output": image,
                "parameters": decoder,
                "multiply_adds": decoding,
                **shared,
            },
        }
