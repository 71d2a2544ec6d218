"""The light VAE: 224x224 RGB to a 7x7x256 latent and back, in five halvings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sage_training.light_vae.principal_start import start_pair

WIDTHS = (12, 48, 96, 160, 256)
"""Channels after each halving; the first two lose nothing."""
INNER = 96
SCALES = (2, 3)
"""After these halvings, at 28x28 and 14x14, comes a residual block."""
START_EVERY, START_AT_ONCE = 4, 40
"""Every so many-th photograph starts the network, and so many pass through it at once."""
SIDE = 224


class ResidualBlock(nn.Module):
    """Adds two 3x3 convolutions, which add nothing at first.

    Args:
        channels: in and out.
        inner: between the two.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, inner, 3, padding=1)
        self.second = nn.Conv2d(inner, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        added: Tensor = self.second(functional.relu(self.first(features)))
        return features + added


class LightVae(nn.Module):
    """Encoder and decoder; see the module. Latents have about unit variance."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, *WIDTHS)
        pairs = list(pairwise(channels))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairs)
        self.refine = nn.ModuleDict({str(at): ResidualBlock(WIDTHS[at], INNER) for at in SCALES})
        self.restore = nn.ModuleDict({str(at): ResidualBlock(WIDTHS[at], INNER) for at in SCALES})

    def encode(self, image: Tensor) -> Tensor:
        """[N, 3, H, W] in [-1, 1] -> latent [N, 256, H/32, W/32]."""
        for at, down in enumerate(self.down):
            image = down(image)
            if str(at) in self.refine:
                image = self.refine[str(at)](image)
        return image

    def decode(self, latent: Tensor) -> Tensor:
        """Latent [N, 256, H/32, W/32] -> image [N, 3, H, W] in about [-1, 1]."""
        for at in reversed(range(len(WIDTHS))):
            if str(at) in self.restore:
                latent = self.restore[str(at)](latent)
            latent = self.up[at](latent)
        return latent

    @torch.no_grad()
    def start(self, images: Tensor) -> None:
        """Begin as principal components of each scale, whitened at the last.

        Args:
            images: [N, 3, H, W] in [-1, 1].
        """
        for down, up in zip(self.down, self.up, strict=True):
            found = start_pair(down, up, images)  # type: ignore[arg-type]
            images = torch.cat([down(some) for some in torch.split(images, START_AT_ONCE)])
        spread = found.variance.sqrt()
        last_down, last_up = self.down[-1], self.up[-1]
        last_down.weight.div_(spread[:, None, None, None])  # type: ignore[operator]
        last_down.bias.div_(spread)  # type: ignore[operator]
        last_up.weight.mul_(spread[:, None, None, None])  # type: ignore[operator]


def parameter_counts(model: LightVae) -> tuple[int, int]:
    """Of the encoder and of the decoder."""
    parts = (model.down, model.refine), (model.up, model.restore)
    encoder, decoder = (sum(p.numel() for m in part for p in m.parameters()) for part in parts)
    return encoder, decoder


def multiply_adds(model: LightVae) -> tuple[int, int]:
    """Of encoding and of decoding a picture of 224x224."""
    encoding = decoding = 0
    for at, (down, up) in enumerate(zip(model.down, model.up, strict=True)):
        places = (SIDE >> at + 1) ** 2
        encoding += places * _kernel_weights(down)
        decoding += places * _kernel_weights(up)
        if str(at) in model.refine:
            encoding += places * _kernel_weights(model.refine[str(at)])
            decoding += places * _kernel_weights(model.restore[str(at)])
    return encoding, decoding


def _kernel_weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.ndim == 4)


def signed(images: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in [-1, 1]."""
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    return pixels.permute(0, 3, 1, 2).float() * (2 / 255) - 1


def started(photographs: NDArray[np.uint8]) -> LightVae:
    """A network that begins as principal components of some of the photographs.

    Args:
        photographs: uint8 [N, H, W, 3].
    """
    model = LightVae()
    model.start(signed(photographs[::START_EVERY]))
    return model


class LightEncoderGraph(nn.Module):
    """What the exported encoder computes."""

    def __init__(self, model: LightVae) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """uint8 [N, 224, 224, 3] -> latent float32 [N, 7, 7, 256]."""
        signed = image.permute(0, 3, 1, 2).float() * (2 / 255) - 1
        return self.model.encode(signed).permute(0, 2, 3, 1).contiguous()


class LightDecoderGraph(nn.Module):
    """What the exported decoder computes."""

    def __init__(self, model: LightVae) -> None:
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor) -> Tensor:
        """float32 [N, 7, 7, 256] -> uint8 [N, 224, 224, 3]."""
        image = self.model.decode(latent.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
