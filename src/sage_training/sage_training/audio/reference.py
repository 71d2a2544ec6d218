"""The reference audio VQ-VAE, to be measured against: trained on the same sounds.

3x3 convolutions 1-16-32-64 with batch normalisation, a 3x3 convolution to latents of 64, and the
mirror image as decoder: 83,777 parameters and 10 codes of 64. Its strides are not stated; here the
first layer halves 60x100 and bilinear scaling does the rest.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_encoders.core.log_mel import BANDS, FRAMES
from sage_training.audio.network import CODES, GRID
from sage_training.vqvae.autoencoder import Autoencoder
from sage_training.vqvae.quantizer import Quantizer

WIDTHS = (1, 16, 32, 64)
LATENT = 64
HALF = (BANDS // 2, FRAMES // 2)


class ReferenceEncoder(nn.Module):
    """float32 [N, 60, 100] -> features [N, 64, 30, 30] and latents [N, 900, 64]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (narrow, wide) in enumerate(pairwise(WIDTHS)):
            stride = 2 if index == 0 else 1
            layers += [nn.Conv2d(narrow, wide, 3, stride, 1), nn.BatchNorm2d(wide), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(WIDTHS[-1], LATENT, 3, padding=1)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        features = functional.interpolate(
            self.body(log_mel[:, None]), size=(GRID, GRID), mode="bilinear", align_corners=False
        )
        return features, self.head(features).flatten(2).transpose(1, 2)


class ReferenceDecoder(nn.Module):
    """Latents [N, 900, 64] -> normalised log-mel [N, 60, 100]."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for wide, narrow in ((64, 32), (32, 16)):
            layers += [nn.Conv2d(wide, narrow, 3, padding=1), nn.BatchNorm2d(narrow), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.paint = nn.ConvTranspose2d(16, 1, 3, 2, 1, output_padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """See the class."""
        grid = latent.transpose(1, 2).reshape(-1, LATENT, GRID, GRID)
        wide = functional.interpolate(grid, size=HALF, mode="bilinear", align_corners=False)
        log_mel: Tensor = self.paint(self.body(wide))[:, 0]
        return log_mel


def reference_autoencoder() -> Autoencoder:
    """An untrained reference model, from torch's generator."""
    return Autoencoder(ReferenceEncoder(), Quantizer(CODES, LATENT), ReferenceDecoder())


class ReferenceEncoderGraph(nn.Module):
    """What the exported reference encoder computes: log-mel -> codes uint8 [N, 30, 30]."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.encoder, self.quantizer = model.encoder, model.quantizer

    def forward(self, log_mel: Tensor) -> Tensor:
        """float32 [N, 60, 100] -> codes uint8 [N, 30, 30]."""
        _, latent = self.encoder(log_mel)
        return self.quantizer.scores(latent).argmax(2).to(torch.uint8).reshape(-1, GRID, GRID)
