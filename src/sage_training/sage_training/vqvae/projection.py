"""Embedding head: a linear discriminant, fitted in closed form to pooled features."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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


def fit(features: Tensor, width: int, shrinkage: float = 0.05) -> Projection:
    """Fisher's discriminant between scenes, against the spread of views of one scene.

    Args:
        features: [scenes, views, F]; views of one scene should lie near each other.
        width: D, at most F.
        shrinkage: share of the mean variance added to the within-scene covariance.
    """
    scenes, views, size = features.shape
    data = features.double()
    centre = data.mean(1)
    mean = centre.mean(0)
    residual = (data - centre[:, None]).reshape(-1, size)
    within = residual.T @ residual / (scenes * (views - 1))
    between = (centre - mean).T @ (centre - mean) / (scenes - 1)
    average = torch.diagonal(within).mean() + 0.1 * torch.diagonal(between).mean()
    within = within + shrinkage * average * torch.eye(size, dtype=torch.float64)
    root = torch.linalg.cholesky(within)
    left = torch.linalg.solve_triangular(root, between, upper=False)
    whitened = torch.linalg.solve_triangular(root, left.T, upper=False)
    values, vectors = torch.linalg.eigh((whitened + whitened.T) / 2)
    top = vectors[:, values.argsort(descending=True)[:width]]
    directions = torch.linalg.solve_triangular(root.T, top, upper=True)
    return Projection(mean.float(), directions.float())
