"""The head that makes an embedding of the vision encoder's features: a small pyramid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sage_training.vision.network import CHANNELS

EMBEDDING = 128
NARROW, WIDE = 128, 160


class SeparableBlock(nn.Module):
    """Depthwise 5x5 and pointwise convolution, each normalised over the batch, then ReLU.

    The normalisations are linear at run time, and ONNX Runtime merges them into the convolutions.
    With equal channels and stride 1 the input is added before the ReLU.
    """

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.residual = channels == out and stride == 1
        self.across = nn.Conv2d(
            channels, channels, 5, stride=stride, padding=2, groups=channels, bias=False
        )
        self.across_norm = nn.BatchNorm2d(channels)
        self.mix = nn.Conv2d(channels, out, 1, bias=False)
        self.mix_norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, out, H / stride, W / stride], rounded up."""
        inner: Tensor = self.mix_norm(self.mix(self.across_norm(self.across(features))))
        return functional.relu(features + inner if self.residual else inner)


class VisionEmbedding(nn.Module):
    """Features [N, 64, H, W] of the vision encoder (30x30) -> unit embedding [N, 128]."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            SeparableBlock(CHANNELS, NARROW, 2),
            SeparableBlock(NARROW, NARROW, 1),
            SeparableBlock(NARROW, WIDE, 2),
        )
        self.project = nn.Linear(WIDE, EMBEDDING)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        projected: Tensor = self.project(self.body(features).mean((2, 3)))
        return projected / projected.square().sum(1, keepdim=True).add(1e-12).sqrt()


def parameter_count() -> int:
    """Trained weights of the head."""
    with torch.device("meta"):
        return sum(p.numel() for p in VisionEmbedding().parameters())
