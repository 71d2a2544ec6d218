"""Weights and values of a network in steps of eight bits, as ONNX Runtime computes with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_protobuf import GraphWriter

LARGEST_WEIGHT = 63
"""Seven bits: without VNNI a sum of two products of eight bits each overflows."""


def int8_weight(graph: GraphWriter, name: str, kernel: NDArray[np.float32]) -> str:
    """A weight, [outputs, ...], by the scale of each output channel; its name in the graph."""
    scales = _scales(kernel)
    parts = [
        graph.constant(f"{name}_int8", np.rint(kernel / scales).astype(np.int8)),
        graph.constant(f"{name}_scale", scales.ravel()),
        graph.constant(f"{name}_zero", np.zeros(len(kernel), np.int8)),
    ]
    return graph.node("DequantizeLinear", parts, name, axis=0)


def rounded(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """A weight as `int8_weight` keeps it."""
    scales = _scales(kernel)
    return np.rint(kernel / scales) * scales


def _scales(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each output channel, [outputs, 1, ...]."""
    largest = np.abs(kernel.reshape(len(kernel), -1)).max(axis=1)
    scales = (np.maximum(largest, 1e-8) / LARGEST_WEIGHT).astype(np.float32)
    return scales.reshape(-1, *[1] * (kernel.ndim - 1))


def in_256_steps(graph: GraphWriter, name: str, low: float, high: float) -> str:
    """Values as 256 steps from `low` to `high`, and back; the name of the result in the graph."""
    scale = (high - low) / 255.0
    steps = [
        graph.constant(f"{name}.scale", np.array(scale, np.float32)),
        graph.constant(f"{name}.zero", np.array(round(-low / scale), np.uint8)),
    ]
    whole = graph.node("QuantizeLinear", [name, *steps], f"{name}.whole")
    return graph.node("DequantizeLinear", [whole, *steps], f"{name}.rounded")
