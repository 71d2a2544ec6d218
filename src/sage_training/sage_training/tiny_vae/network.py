"""The tiny VAE of 32x32 pictures, and the teacher that it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sage_training.light_vae.network import ResidualBlock
from sage_training.light_vae.principal_start import components, start_pair

SIDE, LATENT, GRID = 32, 128, 4
PATCH_CHANNELS = 48
"""Of a 4x4 patch of RGB: as many numbers as it has."""
NOISE_VARIANCE = 0.003
"""Variance that the model grants a pixel in [0, 1]; it weighs the KL divergence."""


@dataclass(frozen=True)
class Size:
    """How large a VAE is.

    Attributes:
        channels: at 4x4 resolution.
        patch_inner: of the residual block at 8x8 resolution.
        grid_inner: of the residual block at 4x4 resolution; 0: no such block.
        wide: units of a perceptron beside the linear way to the latent and back; 0: none. There a
            parameter costs one multiply-add, not one for every place of a grid.
    """

    channels: int
    patch_inner: int
    grid_inner: int
    wide: int


STUDENT = Size(channels=48, patch_inner=32, grid_inner=0, wide=0)
TEACHER = Size(channels=96, patch_inner=64, grid_inner=128, wide=2320)


class Posterior(NamedTuple):
    """Diagonal Gaussian over latents; both [N, 128]."""

    mean: Tensor
    log_variance: Tensor


class SideWay(nn.Module):
    """A linear layer with a perceptron beside it, which adds nothing at first."""

    def __init__(self, inputs: int, outputs: int, wide: int) -> None:
        super().__init__()
        self.straight = nn.Linear(inputs, outputs)
        self.side: nn.Module | None = None
        if wide:
            last = nn.Linear(wide, outputs)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.side = nn.Sequential(nn.Linear(inputs, wide), nn.ReLU(), last)

    def forward(self, features: Tensor) -> Tensor:
        """[N, inputs] -> [N, outputs]."""
        straight: Tensor = self.straight(features)
        return straight if self.side is None else straight + self.side(features)


class TinyVae(nn.Module):
    """A variational autoencoder (Kingma and Welling 2014) that starts as principal components."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        flat = GRID * GRID * size.channels
        self.patches = nn.Conv2d(3, PATCH_CHANNELS, 4, stride=4)
        self.patch_block = ResidualBlock(PATCH_CHANNELS, size.patch_inner)
        self.shrink = nn.Conv2d(PATCH_CHANNELS, size.channels, 2, stride=2)
        self.grid_block = _block(size)
        self.to_mean = SideWay(flat, LATENT, size.wide)
        self.to_log_variance = nn.Linear(size.channels, LATENT)
        self.from_latent = SideWay(LATENT, flat, size.wide)
        self.grid_restore = _block(size)
        self.enlarge = nn.ConvTranspose2d(size.channels, PATCH_CHANNELS, 2, stride=2)
        self.patch_restore = ResidualBlock(PATCH_CHANNELS, size.patch_inner)
        self.paint = nn.ConvTranspose2d(PATCH_CHANNELS, 3, 4, stride=4)

    def encode(self, image: Tensor) -> Posterior:
        """[N, 3, 32, 32] in [0, 1] -> distribution of the latent."""
        grid = self.grid_block(self.shrink(self.patch_block(self.patches(image))))
        return Posterior(self.to_mean(grid.flatten(1)), self.to_log_variance(grid.mean((2, 3))))

    def decode(self, latent: Tensor) -> Tensor:
        """[N, 128] -> image [N, 3, 32, 32] in about [0, 1]."""
        grid = self.from_latent(latent).unflatten(1, (self.size.channels, GRID, GRID))
        image: Tensor = self.paint(self.patch_restore(self.enlarge(self.grid_restore(grid))))
        return image

    @torch.no_grad()
    def start(self, images: Tensor) -> None:
        """Begin as principal components, with the posterior of probabilistic PCA.

        Source: Tipping and Bishop 1999.

        Args:
            images: [N, 3, 32, 32] in [0, 1].
        """
        start_pair(self.patches, self.paint, images)
        features = self.patches(images)
        start_pair(self.shrink, self.enlarge, features)
        found = components(self.shrink(features).flatten(1), LATENT)
        spread = found.variance.sqrt()
        to_mean, from_latent = self.to_mean.straight, self.from_latent.straight
        to_mean.weight.copy_((found.directions / spread).T)
        to_mean.bias.copy_(-(found.mean @ found.directions) / spread)
        from_latent.weight.copy_(found.directions * spread)
        from_latent.bias.copy_(found.mean)
        self.to_log_variance.weight.zero_()
        self.to_log_variance.bias.copy_(
            torch.log(NOISE_VARIANCE / (found.variance + NOISE_VARIANCE))
        )

    @torch.no_grad()
    def turn(self, wanted: Tensor, images: Tensor) -> None:
        """Rotate the latent space of a started VAE towards wanted latents; images stay the same.

        Source: orthogonal Procrustes problem, Schoenemann 1966.

        Args:
            wanted: [N, 128].
            images: those that have the wanted latents, [N, 3, 32, 32] in [0, 1].
        """
        left, _, right = torch.linalg.svd(self.encode(images).mean.T @ wanted)
        rotation = left @ right
        to_mean, from_latent = self.to_mean.straight, self.from_latent.straight
        to_mean.weight.copy_(rotation.T @ to_mean.weight)
        to_mean.bias.copy_(to_mean.bias @ rotation)
        from_latent.weight.copy_(from_latent.weight @ rotation)
        variance = self.to_log_variance.bias.exp()
        self.to_log_variance.bias.copy_(torch.log(variance @ rotation.square()))

    def parameter_count(self) -> int:
        """Of encoder and decoder."""
        return sum(p.numel() for p in self.parameters())


def unsigned(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in [0, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    return pixels.permute(0, 3, 1, 2).float() / 255


def started(size: Size, pictures: NDArray[np.uint8]) -> TinyVae:
    """A VAE that begins as principal components of the pictures, uint8 [N, 32, 32, 3]."""
    model = TinyVae(size)
    model.start(unsigned(pictures))
    return model


def divergence(posterior: Posterior) -> Tensor:
    """KL divergence of each posterior from the standard normal distribution [nats]: [N]."""
    mean, log_variance = posterior
    terms = mean.square() + log_variance.exp() - 1 - log_variance
    return 0.5 * terms.sum(1)


def negative_evidence(model: TinyVae, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Posterior]:
    """The training objective of a VAE, divided by what makes its first term the MSE.

    Returns:
        objective (scalar), MSE (scalar), decoded images, posterior.
    """
    posterior = model.encode(images)
    spread = (posterior.log_variance / 2).exp()
    decoded = model.decode(posterior.mean + spread * torch.randn_like(spread))
    error = functional.mse_loss(decoded, images)
    weight = 2 * NOISE_VARIANCE / images[0].numel()
    return error + weight * divergence(posterior).mean(), error, decoded, posterior


def _block(size: Size) -> nn.Module:
    return ResidualBlock(size.channels, size.grid_inner) if size.grid_inner else nn.Identity()


class TinyEncoderGraph(nn.Module):
    """What the exported encoder computes."""

    def __init__(self, model: TinyVae) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, 32, 32, 3] -> latent (mean) and log variance, float32 [N, 128]."""
        posterior = self.model.encode(image.permute(0, 3, 1, 2).float() / 255)
        return posterior.mean, posterior.log_variance


class TinyDecoderGraph(nn.Module):
    """What the exported decoder computes."""

    def __init__(self, model: TinyVae) -> None:
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor) -> Tensor:
        """float32 [N, 128] -> uint8 [N, 32, 32, 3]."""
        image = self.model.decode(latent).permute(0, 2, 3, 1)
        return (image.clamp(0, 1) * 255).round().to(torch.uint8)
