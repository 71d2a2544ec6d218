"""The audio VQ-VAE: a normalised log-mel second, [60, 100], to 30x30 codes and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_encoders.core.log_mel import BANDS, FRAMES
from sage_training.vision.network import DenseBlock, DepthwiseBlock
from sage_training.vqvae.autoencoder import Autoencoder
from sage_training.vqvae.quantizer import Quantizer

GRID = 30
CODES = 10
CHANNELS = 32
LATENT = 8
HIGH, WIDE = 2, 4
BAND_GROUPS = 6


def frame_index() -> Tensor:
    """Frames of the 30 cells of 4 frames, centred on 30 equal parts of the second: [120]."""
    centres = (torch.arange(GRID) + 0.5) * (FRAMES / GRID)
    starts = (centres - WIDE / 2).round().long().clamp(0, FRAMES - WIDE)
    return (starts[:, None] + torch.arange(WIDE)).flatten()


class AudioEncoder(nn.Module):
    """float32 [N, 60, 100] -> features [N, 32, 30, 30] and latents [N, 900, 8]."""

    index: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("index", frame_index(), persistent=False)
        self.stem = nn.Linear(HIGH * WIDE, CHANNELS)
        self.body = nn.Sequential(DepthwiseBlock(CHANNELS), DepthwiseBlock(CHANNELS))
        self.head = nn.Conv2d(CHANNELS, LATENT, 1)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        cells = log_mel.index_select(2, self.index).reshape(-1, GRID, HIGH, GRID, WIDE)
        cells = cells.permute(0, 1, 3, 2, 4).reshape(-1, GRID * GRID, HIGH * WIDE)
        stem = functional.relu(self.stem(cells))
        features: Tensor = self.body(stem.transpose(1, 2).reshape(-1, CHANNELS, GRID, GRID))
        return features, self.head(features).flatten(2).transpose(1, 2)


class AudioDecoder(nn.Module):
    """Latents [N, 900, 8] -> normalised log-mel [N, 60, 100]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(LATENT, CHANNELS, 3, padding=1)
        self.body = nn.Sequential(DenseBlock(CHANNELS), DenseBlock(CHANNELS))
        self.paint = nn.ConvTranspose2d(
            CHANNELS, 1, (2 * HIGH, 2 * WIDE), stride=(HIGH, WIDE), padding=(HIGH // 2, WIDE // 2)
        )

    def forward(self, latent: Tensor) -> Tensor:
        """See the class."""
        grid = latent.transpose(1, 2).reshape(-1, LATENT, GRID, GRID)
        painted = self.paint(functional.relu(self.body(functional.relu(self.stem(grid)))))
        return functional.interpolate(
            painted, size=(BANDS, FRAMES), mode="bilinear", align_corners=False
        )[:, 0]


def audio_autoencoder() -> Autoencoder:
    """An untrained audio VQ-VAE, from torch's generator."""
    return Autoencoder(AudioEncoder(), Quantizer(CODES, LATENT), AudioDecoder())


class AudioEncoderGraph(nn.Module):
    """What the exported encoder computes: log-mel -> codes uint8 [N, 30, 30] and embedding."""

    def __init__(self, model: Autoencoder, projection: nn.Module) -> None:
        super().__init__()
        self.encoder, self.quantizer, self.projection = model.encoder, model.quantizer, projection

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """float32 [N, 60, 100] -> codes uint8 [N, 30, 30], unit embedding [N, D]."""
        features, latent = self.encoder(log_mel)
        codes = self.quantizer.scores(latent).argmax(2).to(torch.uint8).reshape(-1, GRID, GRID)
        return codes, self.projection(pooled(features))


class AudioDecoderGraph(nn.Module):
    """What the exported decoder computes: codes -> normalised log-mel."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor) -> Tensor:
        """uint8 [N, 30, 30] -> float32 [N, 60, 100]."""
        return self.model.decode(codes.reshape(-1, GRID * GRID))


def pooled(features: Tensor) -> Tensor:
    """Mean and spread over time in six groups of bands: [N, C, 30, 30] -> [N, 12 C]."""
    groups = features.reshape(-1, CHANNELS, BAND_GROUPS, GRID // BAND_GROUPS * GRID)
    mean = groups.mean(3)
    spread = (groups - mean[..., None]).square().mean(3).add(1e-6).sqrt()
    return torch.cat((mean.flatten(1), spread.flatten(1)), dim=1)
