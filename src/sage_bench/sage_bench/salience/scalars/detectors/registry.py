"""The detectors that stand beside SAGE, by name."""

from __future__ import annotations

from sage_bench.salience.scalars.detectors import (
    change_point,
    charts,
    columns,
    knn_cad,
    matrix_profile,
    relative_entropy,
    resonance,
    spectral_residual,
    spot,
    trees,
)
from sage_bench.salience.scalars.detectors.columns import Detector

DETECTORS: dict[str, Detector] = {
    "windowed Gaussian": charts.windowed_gaussian,
    "EWMA chart": charts.weighted_mean,
    "CUSUM chart": charts.cumulative_sum,
    "relative entropy": relative_entropy.relative_entropy,
    "kNN-CAD": knn_cad.knn_cad,
    "resonance (after ARTime)": resonance.resonance,
    "spectral residual": spectral_residual.spectral_residual,
    "matrix profile": matrix_profile.matrix_profile,
    "river half-space trees": trees.half_space_trees,
    "isolation forest": trees.isolation_forest,
    "SPOT": spot.spot,
    "change point": change_point.change_point,
}
CODE = (
    change_point, charts, columns, knn_cad, matrix_profile, relative_entropy, resonance,
    spectral_residual, spot, trees,
)  # fmt: skip
