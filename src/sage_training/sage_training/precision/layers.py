"""Which layers of an ONNX graph bear its precision: the first, and the last before each output."""

from __future__ import annotations

from collections.abc import Iterable

import onnx

LAYER_TYPES = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_DISCRETE = (onnx.TensorProto.UINT8, onnx.TensorProto.INT32, onnx.TensorProto.INT64)


class Layers:
    """The layers (convolutions and matrix products) of a graph whose nodes have names.

    Args:
        graph: of one input.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._makers = {name: node for node in graph.node for name in node.output}

    def names(self) -> set[str]:
        """Names of all layers."""
        return {node.name for node in self._graph.node if node.op_type in LAYER_TYPES}

    def first(self) -> set[str]:
        """Names of the layers that an input reaches without passing another layer."""
        reached = {item.name for item in self._graph.input}
        found = set()
        for node in self._graph.node:
            if reached.isdisjoint(node.input):
                continue
            if node.op_type in LAYER_TYPES:
                found.add(node.name)
            else:
                reached.update(node.output)
        return found

    def tail(self, discrete: bool) -> set[str]:
        """Names of the last layer before each output and of the nodes between them.

        Args:
            discrete: of the outputs with whole numbers (codes, which an argmax makes), or of the
                others.
        """
        wanted = [
            item.name
            for item in self._graph.output
            if (item.type.tensor_type.elem_type in _DISCRETE) == discrete
        ]
        return self._back_to_layer(wanted)

    def _back_to_layer(self, names: Iterable[str]) -> set[str]:
        open_names, found = list(names), set()
        while open_names:
            node = self._makers.get(open_names.pop())
            if node is None or node.name in found:
                continue
            found.add(node.name)
            if node.op_type not in LAYER_TYPES:
                open_names.extend(node.input)
        return found
