"""The vision VQ-VAE: 224x224 RGB to 30x30 codes and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_training.vqvae.autoencoder import Autoencoder
from sage_training.vqvae.quantizer import Quantizer

SIDE = 224
GRID = 30
PATCH = 8
CODES = 10
CHANNELS = 64
LATENT = 16

PAIR = 15
HALF = 120
"""Two cells span 15 px; the first eight pairs end at 120, and the others start a pixel earlier."""


def row_index() -> Tensor:
    """Pixel rows of the 30 cells, 8 each: [240].

    224/30 is not whole, so every second cell shares a pixel with its neighbour, and cells keep
    their places to three quarters of a pixel.
    """
    pairs = torch.arange(GRID // 2) * PAIR
    pairs[HALF // PAIR :] -= 1
    starts = torch.stack((pairs, pairs + PAIR - PATCH), dim=1).flatten()
    return (starts[:, None] + torch.arange(PATCH)).flatten()


def cut_patches(image: Tensor, rows: Tensor) -> Tensor:
    """uint8 [N, 224, 224, 3] -> the cells' pixels, [N, 900, 192].

    Rows are gathered; columns, which lie the same way, are cut by slices of whole runs, because
    gathering three bytes at a time took a fifth of the encoder's time.
    """
    picked = image.index_select(1, rows)
    pairs = torch.cat((picked[:, :, :HALF], picked[:, :, HALF - 1 :]), dim=2)
    pairs = pairs.reshape(-1, GRID, PATCH, GRID // 2, PAIR * 3)
    cells = torch.cat((pairs[..., : PATCH * 3], pairs[..., -PATCH * 3 :]), dim=4)
    cells = cells.reshape(-1, GRID, PATCH, GRID, PATCH * 3).permute(0, 1, 3, 2, 4)
    return cells.reshape(-1, GRID * GRID, PATCH * PATCH * 3)


class DepthwiseBlock(nn.Module):
    """Residual depthwise 5x5, then two pointwise layers: wide view for few multiply-adds."""

    def __init__(self, channels: int, expansion: int = 2) -> None:
        super().__init__()
        self.across = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.widen = nn.Conv2d(channels, channels * expansion, 1)
        self.narrow = nn.Conv2d(channels * expansion, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        inner: Tensor = self.narrow(functional.relu(self.widen(self.across(features))))
        return features + inner


class DenseBlock(nn.Module):
    """Residual pair of 3x3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        inner: Tensor = self.second(functional.relu(self.first(features)))
        return features + inner


class VisionEncoder(nn.Module):
    """uint8 [N, 224, 224, 3] -> features [N, 64, 30, 30] and latents [N, 900, 16]."""

    rows: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("rows", row_index(), persistent=False)
        self.stem = nn.Linear(PATCH * PATCH * 3, CHANNELS)
        self.body = nn.Sequential(DepthwiseBlock(CHANNELS), DepthwiseBlock(CHANNELS))
        self.head = nn.Conv2d(CHANNELS, LATENT, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        # Weights for pixels on [-1, 1] act on 0..255, which saves two passes over the pixels.
        weight = self.stem.weight * (2 / 255)
        bias = self.stem.bias - self.stem.weight.sum(1)
        stem = functional.linear(cut_patches(image, self.rows).float(), weight, bias)
        grid = functional.relu(stem).transpose(1, 2).reshape(-1, CHANNELS, GRID, GRID)
        features: Tensor = self.body(grid)
        return features, self.head(features).flatten(2).transpose(1, 2)


class VisionDecoder(nn.Module):
    """Latents [N, 900, 16] -> image [N, 3, 224, 224] in about [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(LATENT, CHANNELS, 3, padding=1)
        self.body = nn.Sequential(
            DenseBlock(CHANNELS), DenseBlock(CHANNELS), DepthwiseBlock(CHANNELS)
        )
        # Patches of twice the stride overlap, so that neighbouring cells blend.
        self.paint = nn.ConvTranspose2d(CHANNELS, 3, 2 * PATCH, stride=PATCH, padding=PATCH // 2)

    def forward(self, latent: Tensor) -> Tensor:
        """See the class."""
        grid = latent.transpose(1, 2).reshape(-1, LATENT, GRID, GRID)
        painted = self.paint(functional.relu(self.body(functional.relu(self.stem(grid)))))
        return functional.interpolate(
            painted, size=(SIDE, SIDE), mode="bilinear", align_corners=False
        )


class VisionAutoencoder(Autoencoder):
    """A VQ-VAE of uint8 pictures."""

    def target(self, batch: Tensor) -> Tensor:
        """The image as the decoder's scale has it."""
        return signed(batch)


def vision_autoencoder() -> VisionAutoencoder:
    """An untrained vision VQ-VAE, from torch's generator."""
    return VisionAutoencoder(VisionEncoder(), Quantizer(CODES, LATENT), VisionDecoder())


def signed(image: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in [-1, 1]."""
    return image.permute(0, 3, 1, 2).float() * (2 / 255) - 1


class VisionEncoderGraph(nn.Module):
    """What the exported encoder computes: image -> codes uint8 [N, 30, 30] and embedding."""

    def __init__(self, model: Autoencoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.quantizer, self.head = model.encoder, model.quantizer, head

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, 224, 224, 3] -> codes uint8 [N, 30, 30], unit embedding [N, D]."""
        features, latent = self.encoder(image)
        codes = self.quantizer.scores(latent).argmax(2).to(torch.uint8).reshape(-1, GRID, GRID)
        return codes, self.head(features)


class VisionDecoderGraph(nn.Module):
    """What the exported decoder computes: codes -> image."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor) -> Tensor:
        """uint8 [N, 30, 30] -> uint8 [N, 224, 224, 3]."""
        image = self.model.decode(codes.reshape(-1, GRID * GRID)).permute(0, 2, 3, 1)
        return ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
