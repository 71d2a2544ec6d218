"""NanoDet-g as an ONNX file, in float32 or in int8, from its TensorFlow.js graph.

RangiLyu, NanoDet (https://github.com/RangiLyu/nanodet); its heads by X. Li et al., "Generalized
Focal Loss", NeurIPS 2020. It finds objects of COCO's 80 classes. Turns of the layout and padding,
which stand around each convolution of the graph, become part of it.

Int8: weights by channel, in seven bits, as those of the picture classifier; what a layer gives in
256 steps over the range that it had in photographs of development.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_protobuf import GraphWriter
from sage_encoders.backends.packaged.int8 import in_256_steps, int8_weight
from sage_encoders.backends.packaged.tfjs_graph import TfGraph, TfNode
from sage_encoders.core.recognition.detector import BINS, CLASSES, STRIDES_PX

MEAN = (103.53, 116.28, 123.675)
DEVIATION = (57.375, 57.12, 58.395)
"""Of blue, green and red, in whose order the network takes them."""
SIDE_PX = 416
"""That the graph was written for; it is written here for any multiples of its largest cell."""
RANGES_FILE = "object_detector_ranges.tsv"
"""Name of a layer, its least and its greatest value; beside the cards."""
LAYOUTS = ([0, 2, 3, 1], [0, 3, 1, 2])
BEHIND_HEADS = {"SplitV", "Sigmoid", "Reshape", "AddV2", "SparseToDense", "Identity", "Transpose"}
"""What the graph does with its heads, which is done here in another way."""
Ranges = Mapping[str, tuple[float, float]]


def nanodet(tf: TfGraph, ranges: Ranges | None) -> bytes:
    """The ONNX file: `image` uint8 RGB [N, H, W, 3], sides multiples of 32 px -> `scores` float32
    [N, cells, 80], of each class at each cell, and `distances` float32 [N, cells, 4], from its
    middle to the left, upper, right and lower edge of the object, in cells. Cells of 8 px come
    first, then those of 16 and 32, each by rows.

    Args:
        ranges: least and greatest value of each layer by its name in `tf`; None: float32.

    Raises:
        KeyError, ValueError: not that network.
    """
    return _Network(tf, ranges).written()


@dataclass(frozen=True)
class _Values:
    """What a layer gives.

    Attributes:
        name: in the graph.
        cell_px: pixels of the picture from one value to the next.
        low, high: least and greatest value; of use in int8.
        padding: pixels around it that the next layer is to add.
        kernel: what it is still to be convolved with, and the stride.
    """

    name: str
    cell_px: int
    low: float = 0.0
    high: float = 0.0
    padding: int = 0
    kernel: tuple[str, int] | None = None


class _Network:
    def __init__(self, tf: TfGraph, ranges: Ranges | None) -> None:
        self._tf, self._ranges = tf, ranges
        self._graph = GraphWriter(inline_bytes=None)
        self._values: dict[str, _Values] = {}
        self._doing: dict[str, Callable[[TfNode, list[_Values]], _Values]] = {
            "Placeholder": lambda node, _: self._picture(),
            "Transpose": self._turned,
            "Pad": self._padded,
            "PadV2": self._padded,
            "Conv2D": self._convolved,
            "Add": self._added,
            "LeakyRelu": self._rectified,
            "MaxPool": self._pooled,
            "ConcatV2": self._joined,
            "ResizeBilinear": self._resized,
        }

    def written(self) -> bytes:
        heads = []
        for node in self._tf.nodes:
            given = [self._values[name] for name in node.inputs if name in self._values]
            if node.operator == "SplitV":
                heads.append(given[0].name)
            elif given or not node.inputs:
                if node.operator not in self._doing:
                    raise ValueError(f"{node.name}: {node.operator}, which it should not have")
                self._values[node.name] = self._doing[node.operator](node, given)
            elif node.operator not in BEHIND_HEADS:
                raise ValueError(f"{node.name}: {node.operator} behind its heads")
        if len(heads) != len(STRIDES_PX):
            raise ValueError(f"{len(heads)} heads: expected {len(STRIDES_PX)}")
        self._finish(heads)
        floats = np.dtype(np.float32)
        return self._graph.model(
            {"image": (np.dtype(np.uint8), ("N", "H", "W", 3))},
            {
                "scores": (floats, ("N", "cells", CLASSES)),
                "distances": (floats, ("N", "cells", 4)),
            },
        )

    def _picture(self) -> _Values:
        """Pixels as the network takes them."""
        turned = self._graph.node("Transpose", ["image"], "turned", perm=(0, 3, 1, 2))
        backwards = self._graph.constant("blue_green_red", np.array([2, 1, 0]))
        pixels = self._graph.node("Gather", [turned, backwards], "pixels", axis=1)
        numbers = self._graph.node("Cast", [pixels], "numbers", to=1)
        mean = self._constant("mean", np.reshape(MEAN, (1, 3, 1, 1)))
        scale = self._constant("scale", 1.0 / np.reshape(DEVIATION, (1, 3, 1, 1)))
        centred = self._graph.node("Sub", [numbers, mean], "centred")
        name = self._graph.node("Mul", [centred, scale], "scaled")
        low, high = -np.divide(MEAN, DEVIATION), np.subtract(255.0, MEAN) / DEVIATION
        return self._rounded(_Values(name, 1, float(low.min()), float(high.max())))

    def _turned(self, node: TfNode, given: list[_Values]) -> _Values:
        """Channels last or first: here they are always first."""
        if self._tf.constants[node.inputs[1]].tolist() not in LAYOUTS:
            raise ValueError(f"{node.name} turns to another layout")
        return given[0]

    def _padded(self, node: TfNode, given: list[_Values]) -> _Values:
        pixels = np.asarray(self._tf.constants[node.inputs[1]]).tolist()
        width = pixels[-1][0]
        if pixels != [[0, 0], [0, 0], [width, width], [width, width]]:
            raise ValueError(f"{node.name} pads by {pixels}")
        return replace(given[0], padding=width)

    def _convolved(self, node: TfNode, given: list[_Values]) -> _Values:
        """Written when its bias is known."""
        _, stride, across, _ = node.numbers("strides")
        if stride != across or node.text("padding") != "VALID":
            raise ValueError(f"{node.name}: not one stride and padding of its own")
        return replace(given[0], kernel=(node.inputs[1], stride))

    def _added(self, node: TfNode, given: list[_Values]) -> _Values:
        if len(given) == 1:
            return self._conv(node.name, given[0], node.inputs[1])
        if len(given) != 2:
            raise ValueError(f"{node.name} adds {node.inputs}")
        self._graph.node("Add", [values.name for values in given], node.name)
        return self._rounded(_Values(node.name, given[0].cell_px, *self._range(node.name)))

    def _conv(self, name: str, given: _Values, bias: str) -> _Values:
        if given.kernel is None:
            raise ValueError(f"{name} adds {bias} to what is no convolution")
        kernel_name, stride = given.kernel
        kernel = np.asarray(self._tf.constants[kernel_name], np.float32).transpose(3, 2, 0, 1)
        self._graph.node(
            "Conv",
            [
                given.name,
                self._weight(name, kernel),
                self._constant(bias, self._tf.constants[bias]),
            ],
            name,
            kernel_shape=kernel.shape[2:],
            strides=(stride, stride),
            pads=(given.padding,) * 4,
        )
        if len(kernel) == CLASSES + 4 * BINS:  # a head: what it gives stays exact
            return _Values(name, given.cell_px * stride)
        return self._rounded(_Values(name, given.cell_px * stride, *self._range(name)))

    def _rectified(self, node: TfNode, given: list[_Values]) -> _Values:
        slope = node.number("alpha")
        self._graph.node("LeakyRelu", [given[0].name], node.name, alpha=slope)
        low, high = (max(value, slope * value) for value in (given[0].low, given[0].high))
        return self._rounded(_Values(node.name, given[0].cell_px, low, high))

    def _pooled(self, node: TfNode, given: list[_Values]) -> _Values:
        _, side, _, _ = node.numbers("ksize")
        _, stride, _, _ = node.numbers("strides")
        padding = given[0].padding
        self._graph.node(
            "MaxPool",
            [given[0].name],
            node.name,
            kernel_shape=(side, side),
            strides=(stride, stride),
            pads=(padding,) * 4,
        )
        cell_px = given[0].cell_px * stride
        return self._rounded(replace(given[0], name=node.name, cell_px=cell_px, padding=0))

    def _joined(self, node: TfNode, given: list[_Values]) -> _Values:
        if self._tf.constants[node.inputs[-1]] != 1:
            raise ValueError(f"{node.name} joins what are no channels")
        self._graph.node("Concat", [values.name for values in given], node.name, axis=1)
        low = min(v.low for v in given)
        return self._rounded(_Values(node.name, given[0].cell_px, low, max(v.high for v in given)))

    def _resized(self, node: TfNode, given: list[_Values]) -> _Values:
        """Bilinear between the middles of pixels, as ONNX does it, too."""
        if not node.is_true("half_pixel_centers"):
            raise ValueError(f"{node.name} resizes between corners")
        side, across = self._tf.constants[node.inputs[1]].tolist()
        if side != across or SIDE_PX % side:
            raise ValueError(f"{node.name} resizes to {side} x {across}")
        cell_px = SIDE_PX // side
        scale = given[0].cell_px / cell_px
        scales = self._constant(f"{node.name}.scales", np.array([1, 1, scale, scale]))
        self._graph.node("Resize", [given[0].name, "", scales], node.name, mode="linear")
        return self._rounded(replace(given[0], name=node.name, cell_px=cell_px))

    def _finish(self, heads: list[str]) -> None:
        """From the maps of the heads, [N, 124, side, side], to what each cell says."""
        graph = self._graph
        shape = graph.constant("cells.shape", np.array([0, -1, CLASSES + 4 * BINS]))
        maps = []
        for head in heads:
            turned = graph.node("Transpose", [head], f"{head}.turned", perm=(0, 2, 3, 1))
            maps.append(graph.node("Reshape", [turned, shape], f"{head}.cells"))
        cells = graph.node("Concat", maps, "cells", axis=1)
        graph.node("Sigmoid", [self._part(cells, "logits", 0, CLASSES)], "scores")
        bins = self._part(cells, "bins", CLASSES, CLASSES + 4 * BINS)
        sides = graph.constant("sides.shape", np.array([0, -1, 4, BINS]))
        shares = graph.node("Softmax", [graph.node("Reshape", [bins, sides], "sides")], "shares")
        graph.node("MatMul", [shares, self._constant("steps", np.arange(BINS))], "distances")

    def _part(self, cells: str, name: str, begin: int, end: int) -> str:
        limits = {"begin": begin, "end": end, "axis": 2}
        places = [
            self._graph.constant(f"{name}.{what}", np.array([place]))
            for what, place in limits.items()
        ]
        return self._graph.node("Slice", [cells, *places], name)

    def _constant(self, name: str, array: NDArray[Any]) -> str:
        return self._graph.constant(name, np.asarray(array, np.float32))

    def _weight(self, name: str, kernel: NDArray[np.float32]) -> str:
        if self._ranges is None:
            return self._constant(f"{name}.weight", kernel)
        return int8_weight(self._graph, f"{name}.weight", kernel)

    def _range(self, name: str) -> tuple[float, float]:
        return (0.0, 0.0) if self._ranges is None else self._ranges[name]

    def _rounded(self, values: _Values) -> _Values:
        """The values in 256 steps, in int8."""
        if self._ranges is None:
            return values
        name = in_256_steps(self._graph, values.name, values.low, values.high)
        return replace(values, name=name)
