"""The vision VQ-VAE: 224x224 RGB to 30x30 codes and back."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_encoders.training.autoencoder import Autoencoder
from sage_encoders.training.quantizer import Quantizer

SIDE = 224
GRID = 30
PATCH = 8
CODES = 10
CHANNELS = 64
LATENT = 16


def patch_index() -> Tensor:
    """Pixel rows (and columns) of the 30 patches of 8 pixels, centred on 30 equal cells: [240].

    224/30 is not whole, so neighbours overlap by at most a pixel and each cell keeps its place.
    """
    centres = (torch.arange(GRID) + 0.5) * (SIDE / GRID)
    starts = (centres - PATCH / 2).round().long().clamp(0, SIDE - PATCH)
    return (starts[:, None] + torch.arange(PATCH)).flatten()


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

    index: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("index", patch_index(), persistent=False)
        self.stem = nn.Linear(PATCH * PATCH * 3, CHANNELS)
        self.body = nn.Sequential(DepthwiseBlock(CHANNELS), DepthwiseBlock(CHANNELS))
        self.head = nn.Conv2d(CHANNELS, LATENT, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        patches = image.index_select(1, self.index).index_select(2, self.index)
        patches = patches.reshape(-1, GRID, PATCH, GRID, PATCH, 3).permute(0, 1, 3, 2, 4, 5)
        patches = patches.reshape(-1, GRID * GRID, PATCH * PATCH * 3).float() * (2 / 255) - 1
        stem = functional.relu(self.stem(patches))
        features: Tensor = self.body(stem.transpose(1, 2).reshape(-1, CHANNELS, GRID, GRID))
        return features, self.head(features).flatten(2).transpose(1, 2)


class VisionDecoder(nn.Module):
    """Latents [N, 900, 16] -> image [N, 3, 224, 224] in about [-1, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(LATENT, CHANNELS, 3, padding=1)
        self.body = nn.Sequential(DenseBlock(CHANNELS), DenseBlock(CHANNELS))
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
    """Encoder, ordered codebook and decoder."""

    def __init__(self) -> None:
        super().__init__(VisionEncoder(), Quantizer(CODES, LATENT), VisionDecoder())

    def target(self, batch: Tensor) -> Tensor:
        """The image as the decoder's scale has it."""
        return signed(batch)


def signed(image: Tensor) -> Tensor:
    """uint8 [N, H, W, 3] -> float32 [N, 3, H, W] in [-1, 1]."""
    return image.permute(0, 3, 1, 2).float() * (2 / 255) - 1


class VisionEncoderGraph(nn.Module):
    """What the exported encoder computes: image -> codes uint8 [N, 30, 30] and embedding."""

    def __init__(self, model: Autoencoder, projection: nn.Module) -> None:
        super().__init__()
        self.encoder, self.quantizer, self.projection = model.encoder, model.quantizer, projection

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [N, 224, 224, 3] -> codes uint8 [N, 30, 30], unit embedding [N, D]."""
        features, latent = self.encoder(image)
        codes = self.quantizer.scores(latent).argmax(2).to(torch.uint8).reshape(-1, GRID, GRID)
        return codes, self.projection(pooled(features))


class VisionDecoderGraph(nn.Module):
    """What the exported decoder computes: codes -> image."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor) -> Tensor:
        """uint8 [N, 30, 30] -> uint8 [N, 224, 224, 3]."""
        image = self.model.decode(codes.reshape(-1, GRID * GRID)).permute(0, 2, 3, 1)
        return ((image.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def pooled(features: Tensor) -> Tensor:
    """Mean and spread over the image and means of its quadrants: [N, C, 30, 30] -> [N, 6 C]."""
    half = GRID // 2
    quadrants = features.reshape(-1, CHANNELS, 2, half, 2, half).mean((3, 5)).flatten(1)
    mean = features.mean((2, 3))
    spread = (features - mean[:, :, None, None]).square().mean((2, 3)).add(1e-6).sqrt()
    return torch.cat((mean, spread, quadrants), dim=1)
