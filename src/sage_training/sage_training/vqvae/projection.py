"""Embedding head: a linear discriminant, fitted in closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHRINKAGE = 0.1
"""Share of the mean variance added to the scatter within."""
OF_CLASSES = 3.0
"""Weight of the classes, beside the scenes' own, in both scatters."""
LEAST_SPREAD = 1e-4


class Projection(nn.Module):
    """(features - mean) @ directions, scaled to unit length: [N, F] -> [N, D]."""

    mean: Tensor
    directions: Tensor

    def __init__(self, mean: Tensor, directions: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("directions", directions)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        projected = (features - self.mean) @ self.directions
        return projected / projected.square().sum(1, keepdim=True).add(1e-12).sqrt()


def fit(features: Tensor, labels: Tensor, width: int) -> Projection:
    """Fisher's discriminant between scenes and between their classes.

    It stands against the spread of views of a scene and of scenes of a class. A direction in
    which scenes differ by less than their own spread is scaled down by its reliability.

    Args:
        features: [scenes, views, F]; views of one scene should lie near each other.
        labels: class of each scene, int64 [scenes], from 0.
        width: D, at most F.
    """
    scenes, views, size = features.shape
    data = features.double()
    spread = data.reshape(-1, size).std(0) + LEAST_SPREAD
    data = data / spread
    centre = data.mean(1)
    mean = centre.mean(0)
    of_class = torch.stack([centre[labels == kind].mean(0) for kind in labels.unique()])
    within = _scatter(data - centre[:, None], scenes * (views - 1))
    within += OF_CLASSES * _scatter(centre - of_class[labels], scenes)
    between = _scatter(centre - mean, scenes - 1)
    between += OF_CLASSES * _scatter(of_class - mean, len(of_class))
    average = torch.diagonal(within).mean() + 0.1 * torch.diagonal(between).mean()
    within = within + SHRINKAGE * average * torch.eye(size, dtype=torch.float64)
    root = torch.linalg.cholesky(within)
    left = torch.linalg.solve_triangular(root, between, upper=False)
    whitened = torch.linalg.solve_triangular(root, left.T, upper=False)
    values, vectors = torch.linalg.eigh((whitened + whitened.T) / 2)
    top = values.argsort(descending=True)[:width]
    ratio = values[top].clamp(min=0)
    directions = torch.linalg.solve_triangular(root.T, vectors[:, top], upper=True)
    directions = directions * (ratio / (1 + ratio)).sqrt() / spread[:, None]
    return Projection((mean * spread).float(), directions.float())


def _scatter(offsets: Tensor, count: int) -> Tensor:
    """Mean outer product over all but the last dimension: [..., F] -> [F, F]."""
    rows = offsets.reshape(-1, offsets.shape[-1])
    return rows.T @ rows / count
