"""EfficientNet-Lite0 as an ONNX file, in float32 or in int8, from its weights in PyTorch.

M. Tan, Q. V. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
ICML 2019; Lite: no squeeze-and-excitation, ReLU6 in place of swish. It names the 1,000 classes of
ImageNet's challenge of 2012.

Int8 without a picture to calibrate by (M. Nagel et al., "Data-Free Quantization Through Weight
Equalization and Bias Correction", ICCV 2019): what leaves a ReLU6 lies in 0 to 6, and what leaves a
batch normalisation has its shift as mean and its scale as standard deviation. Weights are quantised
by channel, to seven bits; what that changes in the mean of a layer's output is added to its bias.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_protobuf import GraphWriter
from sage_encoders.backends.packaged.int8 import in_256_steps, int8_weight, rounded

SIDE_PX, FEATURES, CLASSES = 224, 1280, 1000
STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))
"""Of each: blocks, side of the kernel, stride of the first block."""
EPSILON = 1e-3
MEAN, SCALE = 127, 1.0 / 128.0
"""Of a pixel: what the network was trained with."""
SPREAD = 5.0
"""Standard deviations of a layer's output that int8 covers."""
STEP = 2.0**-12
"""Of what is added to biases in int8."""

Floats = NDArray[np.float32]
Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class _Values:
    """What a layer gives.

    Attributes:
        name: in the graph.
        mean, variance: of each channel, by what the batch normalisation learned, float64 [C].
        side: in pixels.
    """

    name: str
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    side: int


def efficientnet_lite0(weights: Weights, int8: bool) -> bytes:
    """The ONNX file: `image` uint8 RGB [N, 224, 224, 3] -> `logits` float32 [N, 1000] and
    `features` float32 [N, 1280], the mean over the picture of what the last layer sees.

    Raises:
        KeyError: a weight is missing.
    """
    return _Network(weights, int8).written()


class _Network:
    def __init__(self, weights: Weights, int8: bool) -> None:
        self._weights, self._int8 = weights, int8
        self._graph = GraphWriter(inline_bytes=None)

    def written(self) -> bytes:
        values = self._conv(self._picture(), "_conv_stem", "_bn0", stride=2, clipped=True)
        block = 0
        for blocks, kernel, stride in STAGES:
            for number in range(blocks):
                values = self._block(values, f"_blocks.{block}", kernel, 1 if number else stride)
                block += 1
        values = self._conv(values, "_conv_head", "_bn1", clipped=True)
        pooled = self._graph.node("GlobalAveragePool", [values.name], "pooled")
        features = self._graph.node("Flatten", [pooled], "features", axis=1)
        self._classified(features)
        picture = {"image": (np.dtype(np.uint8), ("N", SIDE_PX, SIDE_PX, 3))}
        floats = np.dtype(np.float32)
        return self._graph.model(
            picture, {"logits": (floats, ("N", CLASSES)), "features": (floats, ("N", FEATURES))}
        )

    def _picture(self) -> _Values:
        """Pixels as the network takes them: they are a quantised tensor already."""
        turned = self._graph.node("Transpose", ["image"], "pixels", perm=(0, 3, 1, 2))
        scale = self._graph.constant("pixels_scale", np.array(SCALE, np.float32))
        zero = self._graph.constant("pixels_zero", np.array(MEAN, np.uint8))
        name = self._graph.node("DequantizeLinear", [turned, scale, zero], "scaled")
        return _Values(name, np.zeros(3), np.ones(3), SIDE_PX)

    def _block(self, inputs: _Values, name: str, kernel: int, stride: int) -> _Values:
        """An inverted residual: wider, by channel, narrower; added to what came where it fits."""
        values = inputs
        if f"{name}._expand_conv.weight" in self._weights:
            values = self._conv(values, f"{name}._expand_conv", f"{name}._bn0", clipped=True)
        values = self._conv(
            values, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, clipped=True
        )
        values = self._conv(values, f"{name}._project_conv", f"{name}._bn2")
        if stride != 1 or len(values.mean) != len(inputs.mean):
            return values
        added = self._graph.node("Add", [inputs.name, values.name], f"{name}.sum")
        mean, variance = inputs.mean + values.mean, inputs.variance + values.variance
        return self._quantised(_Values(added, mean, variance, inputs.side))

    def _conv(
        self, inputs: _Values, name: str, norm: str, stride: int = 1, clipped: bool = False
    ) -> _Values:
        kernel, bias = self._folded(name, norm)
        if self._int8:
            bias += _mean_loss(kernel, inputs.mean)
        side = -(-inputs.side // stride)
        padding = max((side - 1) * stride + kernel.shape[2] - inputs.side, 0)
        before, after = padding // 2, padding - padding // 2
        weight = self._constant_weight(name, kernel)
        shift = self._graph.constant(f"{name}.bias", bias)
        output = self._graph.node(
            "Conv",
            [inputs.name, weight, shift],
            f"{name}.out",
            kernel_shape=kernel.shape[2:],
            strides=(stride, stride),
            pads=(before, before, after, after),
            group=len(inputs.mean) if kernel.shape[1] == 1 else 1,
        )
        mean = np.asarray(self._weights[f"{norm}.bias"], np.float64)
        variance = np.asarray(self._weights[f"{norm}.weight"], np.float64) ** 2
        if not clipped:
            return self._quantised(_Values(output, mean, variance, side))
        return self._clipped(_Values(output, mean, variance, side))

    def _folded(self, name: str, norm: str) -> tuple[Floats, Floats]:
        """Kernel and bias of a convolution with the batch normalisation behind it."""
        w = self._weights
        gain = w[f"{norm}.weight"] / np.sqrt(w[f"{norm}.running_var"] + EPSILON)
        kernel = w[f"{name}.weight"] * gain[:, None, None, None]
        bias = w[f"{norm}.bias"] - w[f"{norm}.running_mean"] * gain
        return kernel.astype(np.float32), bias.astype(np.float32)

    def _constant_weight(self, name: str, kernel: Floats) -> str:
        """A weight by its name in the graph; in int8 by the scale of each output channel."""
        if not self._int8:
            return self._graph.constant(f"{name}.weight", kernel)
        return int8_weight(self._graph, f"{name}.weight", kernel)

    def _clipped(self, values: _Values) -> _Values:
        """ReLU6; in int8 that is what the range of 0 to 6 does by itself."""
        if self._int8:
            name = in_256_steps(self._graph, values.name, 0.0, 6.0)
        else:
            low = self._graph.constant(f"{values.name}.low", np.array(0.0, np.float32))
            high = self._graph.constant(f"{values.name}.high", np.array(6.0, np.float32))
            name = self._graph.node("Clip", [values.name, low, high], f"{values.name}.clipped")
        mean = _clipped_mean(values.mean, np.sqrt(values.variance))
        return _Values(name, mean, values.variance, values.side)

    def _quantised(self, values: _Values) -> _Values:
        if not self._int8:
            return values
        reach = SPREAD * np.sqrt(values.variance)
        low, high = float((values.mean - reach).min()), float((values.mean + reach).max())
        name = in_256_steps(self._graph, values.name, low, high)
        return _Values(name, values.mean, values.variance, values.side)

    def _classified(self, features: str) -> None:
        kernel = np.asarray(self._weights["_fc.weight"], np.float32)
        bias = self._graph.constant("_fc.bias", np.asarray(self._weights["_fc.bias"], np.float32))
        weight = self._constant_weight("_fc", kernel)
        self._graph.node("Gemm", [features, weight, bias], "logits", transB=1)


def _mean_loss(kernel: Floats, mean: NDArray[np.float64]) -> Floats:
    """What each output [outputs] lacks on average where the kernel is rounded, the inputs having
    these means [inputs]; in steps that are the same whatever order a processor adds in."""
    lost = np.asarray(kernel - rounded(kernel), np.float64).sum(axis=(2, 3))
    by_channel = kernel.shape[1] == 1
    found = lost[:, 0] * mean if by_channel else lost @ mean
    return (np.rint(found / STEP) * STEP).astype(np.float32)


def _clipped_mean(mean: NDArray[np.float64], deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of normally distributed values after they were clipped to 0 to 6."""
    low, high = -mean / deviation, (6.0 - mean) / deviation
    share = _normal(high) - _normal(low)
    edges = (np.exp(-(low**2) / 2) - np.exp(-(high**2) / 2)) / math.sqrt(2 * math.pi)
    return np.asarray(mean * share + deviation * edges + 6.0 * (1.0 - _normal(high)))


def _normal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the standard normal distribution below each value."""
    return np.array([0.5 * (1.0 + math.erf(value / math.sqrt(2))) for value in values.tolist()])
