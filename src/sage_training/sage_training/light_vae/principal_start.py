"""Starts convolutions that halve or double an image on the principal components of the images.

Linear autoencoders are best there (Baldi and Hornik 1989), so that training begins where the best
linear code of each scale ends, instead of at noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS = 200_000
"""At most this many patches are looked at."""


@dataclass(frozen=True)
class Components:
    """Principal components of rows [N, F].

    Attributes:
        mean: [F].
        directions: orthonormal columns [F, K], by falling variance.
        variance: along each direction, [K].
    """

    mean: Tensor
    directions: Tensor
    variance: Tensor


def components(rows: Tensor, count: int) -> Components:
    """The first `count` principal components of rows [N, F]; count is at most F."""
    mean = rows.mean(0)
    centred = rows - mean
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(rows))
    return Components(mean, vectors.flip(1)[:, :count], values.flip(0)[:count].clamp_min(1e-8))


@torch.no_grad()
def start_pair(down: nn.Conv2d, up: nn.ConvTranspose2d, images: Tensor) -> Components:
    """Let `down` compute principal components of patches of `images`, and `up` the way back.

    Args:
        down: kernel size equal to stride, with at most as many outputs as a patch has numbers.
        up: of the same size, the other way round.
        images: what `down` will see, [N, C, H, W].
    """
    side = down.kernel_size[0]
    patches = functional.unfold(images, side, stride=side).transpose(1, 2).flatten(0, 1)
    found = components(patches[torch.randperm(len(patches))[:ROWS]], down.out_channels)
    kernel = found.directions.T.reshape(down.weight.shape)
    down.weight.copy_(kernel)
    up.weight.copy_(kernel)
    if down.bias is None or up.bias is None:
        raise ValueError("start_pair: convolutions without bias")
    down.bias.copy_(-found.mean @ found.directions)
    up.bias.copy_(found.mean.reshape(up.out_channels, -1).mean(1))
    return found
