"""The reference vision VQ-VAE, to be measured against: trained on the same photographs.

Three 4x4 stride-2 convolutions 3-32-64-128 with batch normalisation, bilinear 28 -> 30, 1x1 to 64,
10 codes of 64, and the mirror image as decoder: 349,187 parameters.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_training.vision.network import CODES, GRID, VisionAutoencoder, signed
from sage_training.vqvae.quantizer import Quantizer

WIDTHS = (3, 32, 64, 128)
LATENT = 64
INNER = 28


class ReferenceEncoder(nn.Module):
    """uint8 [N, 224, 224, 3] -> features [N, 128, 30, 30] and latents [N, 900, 64]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for narrow, wide in pairwise(WIDTHS):
            layers += [nn.Conv2d(narrow, wide, 4, 2, 1), nn.BatchNorm2d(wide), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(WIDTHS[-1], LATENT, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        features = functional.interpolate(
            self.body(signed(image)), size=(GRID, GRID), mode="bilinear", align_corners=False
        )
        return features, self.head(features).flatten(2).transpose(1, 2)


class ReferenceDecoder(nn.Module):
    """Latents [N, 900, 64] -> image [N, 3, 224, 224] in [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(LATENT, WIDTHS[-1], 1)
        layers: list[nn.Module] = [nn.BatchNorm2d(WIDTHS[-1]), nn.ReLU()]
        for wide, narrow in ((128, 64), (64, 32)):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, 2, 1),
                nn.BatchNorm2d(narrow),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(32, 3, 4, 2, 1), nn.Tanh())

    def forward(self, latent: Tensor) -> Tensor:
        """See the class."""
        grid = self.stem(latent.transpose(1, 2).reshape(-1, LATENT, GRID, GRID))
        image: Tensor = self.body(
            functional.interpolate(grid, size=(INNER, INNER), mode="bilinear", align_corners=False)
        )
        return image


def reference_autoencoder() -> VisionAutoencoder:
    """An untrained reference model, from torch's generator."""
    return VisionAutoencoder(ReferenceEncoder(), Quantizer(CODES, LATENT), ReferenceDecoder())


class ReferenceEncoderGraph(nn.Module):
    """What the exported reference encoder computes: image -> codes uint8 [N, 30, 30]."""

    def __init__(self, model: VisionAutoencoder) -> None:
        super().__init__()
        self.encoder, self.quantizer = model.encoder, model.quantizer

    def forward(self, image: Tensor) -> Tensor:
        """uint8 [N, 224, 224, 3] -> codes uint8 [N, 30, 30]."""
        _, latent = self.encoder(image)
        return self.quantizer.scores(latent).argmax(2).to(torch.uint8).reshape(-1, GRID, GRID)
