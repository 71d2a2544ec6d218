"""Whisper tiny.en as two ONNX files, from its weights in CTranslate2's format.

A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023. The
encoder hears up to 30 s; the decoder writes one token a run, and is given what it attended to
before. Weights of the dense layers are int8 by output channel, of seven bits: without VNNI a sum of
two products of eight bits each overflows. Activations are quantised as they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_protobuf import GraphWriter
from sage_encoders.backends.speech.speech_recogniser import (
    HEAD,
    HEADS,
    HEARD,
    LAYERS,
    SAID,
    TOKENS,
    WIDTH,
)
from sage_encoders.core.speech.spectrum import BANDS

EPSILON = 1e-5
LARGEST_WEIGHT = 63
_MICROSOFT = "com.microsoft"
_FLOATS, _INTEGERS = np.dtype(np.float32), np.dtype("<i8")

Weights = Mapping[str, NDArray[Any]]


def speech_encoder(weights: Weights) -> bytes:
    """The ONNX file: `mel` float32 [1, 80, 2 S] -> `features` float32 [1, S, 384] and what the
    decoder attends to, `HEARD`, float32 [1, 6, S, 64] each; S <= 1500, 50 a second.

    Raises:
        KeyError: a weight is missing.
    """
    network = _Network(weights)
    node = network.graph.node
    state = "mel"
    for number, stride in ((1, 1), (2, 2)):
        state = network.convolved(state, f"encoder/conv{number}", stride)
    state = node("Transpose", [state], "by_time", perm=(0, 2, 1))
    begin = network.graph.constant("begin", np.zeros(1, "<i8"))
    length = node("Shape", [state], "length", start=1, end=2)
    table = network.constant("encoder/position_encodings/encodings")
    state = node("Add", [state, node("Slice", [table, begin, length], "places")], "placed")
    for layer in range(LAYERS):
        name = f"encoder/layer_{layer}"
        state = network.attending(state, f"{name}/self_attention")
        state = network.dense_block(state, name)
    features = network.normed(state, "encoder/layer_norm", "features")
    for layer in range(LAYERS):
        name = f"decoder/layer_{layer}/attention/linear_1"
        for part, side in enumerate(("heard_key", "heard_value")):
            rows = slice(part * WIDTH, (part + 1) * WIDTH)
            network.by_head(network.linear(features, name, rows), f"{side}{layer}")
    heard = _FLOATS, (1, HEADS, "S", HEAD)
    return network.graph.model(
        {"mel": (_FLOATS, (1, BANDS, "T"))},
        {"features": (_FLOATS, (1, "S", WIDTH)), **dict.fromkeys(HEARD, heard)},
    )


def speech_decoder(weights: Weights, vocabulary: Mapping[str, str]) -> bytes:
    """The ONNX file: `token` and `place` int64 [1], what was heard, and what was said before
    (`SAID`, float32 [1, 6, P, 64] each) -> `logits` float32 [1, 51864] of the next token, and
    the same with this token (`SAID` with `_now`).

    Args:
        weights: by their names.
        vocabulary: the file's metadata.

    Raises:
        KeyError: a weight is missing.
    """
    network = _Network(weights)
    node, constant = network.graph.node, network.graph.constant
    codes, scales = _quantised(weights["decoder/embeddings/weight"])
    words = constant("words", codes)
    word_scales = constant("word_scales", scales)
    column = node("Cast", [node("Gather", [words, "token"], "column", axis=1)], "floats", to=1)
    scale = node("Gather", [word_scales, "token"], "word_scale")
    word = node("Transpose", [node("Mul", [column, scale], "scaled")], "word", perm=(1, 0))
    table = network.constant("decoder/position_encodings/encodings")
    row = node("Add", [word, node("Gather", [table, "place"], "row")], "embedded")
    state = node("Reshape", [row, constant("one", np.array([1, 1, WIDTH], "<i8"))], "state")
    for layer in range(LAYERS):
        name = f"decoder/layer_{layer}"
        state = network.attending(state, f"{name}/self_attention", f"said_{{}}{layer}")
        state = network.listening(state, f"{name}/attention", layer)
        state = network.dense_block(state, name)
    last = network.normed(state, "decoder/layer_norm", "last")
    last = node("Reshape", [last, constant("flat", np.array([1, WIDTH], "<i8"))], "last_row")
    node("DynamicQuantizeMatMul", [last, words, word_scales], "logits", _MICROSOFT)
    number = _INTEGERS, (1,)
    heard, said = (_FLOATS, (1, HEADS, "S", HEAD)), (_FLOATS, (1, HEADS, "P", HEAD))
    now = _FLOATS, (1, HEADS, "N", HEAD)
    given = {**dict.fromkeys(HEARD, heard), **dict.fromkeys(SAID, said)}
    return network.graph.model(
        {"token": number, "place": number, **given},
        {
            "logits": (_FLOATS, (1, TOKENS)),
            **{f"{name}_now": now for name in SAID},
        },
        vocabulary,
    )


def _quantised(weight: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A weight [out, in] as int8 [in, out], and its scales [out]."""
    floats = weight.astype(np.float32)
    scales = np.maximum(np.abs(floats).max(axis=1), np.float32(1e-8)) / np.float32(LARGEST_WEIGHT)
    codes = np.rint(floats / scales[:, None]).astype(np.int8)
    return np.ascontiguousarray(codes.T), scales


class _Network:
    """Layers of a transformer that normalises first, under the names of their weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.graph = GraphWriter(inline_bytes=None)

    def constant(self, name: str) -> str:
        return self.graph.constant(name, self._weights[name].astype(np.float32))

    def convolved(self, state: str, name: str, stride: int) -> str:
        weight, bias = (self.constant(f"{name}/{part}") for part in ("weight", "bias"))
        made = self.graph.node(
            "Conv", [state, weight, bias], f"{name}/out",
            kernel_shape=(3,), strides=(stride,), pads=(1, 1),
        )  # fmt: skip
        return self.graph.node("Gelu", [made], f"{name}/gelu", _MICROSOFT)

    def normed(self, state: str, name: str, output: str = "") -> str:
        inputs = [state, *(self.constant(f"{name}/{part}") for part in ("gamma", "beta"))]
        output = output or f"{name}/out"
        return self.graph.node("LayerNormalization", inputs, output, axis=-1, epsilon=EPSILON)

    def linear(self, state: str, name: str, rows: slice = slice(None)) -> str:
        """A dense layer, or those of its outputs."""
        place = f"{name}/{rows.start or 0}"
        codes, scales = _quantised(self._weights[f"{name}/weight"][rows])
        bias = self._weights[f"{name}/bias"][rows].astype(np.float32)
        parts = (("codes", codes), ("scales", scales), ("bias", bias))
        names = [self.graph.constant(f"{place}/{part}", array) for part, array in parts]
        inputs = [state, names[0], names[1], "", names[2]]
        return self.graph.node("DynamicQuantizeMatMul", inputs, f"{place}/out", _MICROSOFT)

    def by_head(self, state: str, output: str) -> str:
        """[1, S, 384] -> [1, 6, S, 64]."""
        shape = self.graph.constant(f"{output}/shape", np.array([1, -1, HEADS, HEAD], "<i8"))
        split = self.graph.node("Reshape", [state, shape], f"{output}/split")
        return self.graph.node("Transpose", [split], output, perm=(0, 2, 1, 3))

    def attending(self, state: str, name: str, said: str = "") -> str:
        """Self-attention, added to what came; also to what was `said` before, if any."""
        normed = self.normed(state, f"{name}/layer_norm")
        query, key, value = (
            self.linear(normed, f"{name}/linear_0", slice(part * WIDTH, (part + 1) * WIDTH))
            for part in range(3)
        )
        if said:
            key, value = (
                self.graph.node(
                    "Concat",
                    [said.format(side), self.by_head(made, f"{name}/{side}")],
                    f"{said.format(side)}_now",
                    axis=2,
                )
                for side, made in (("key", key), ("value", value))
            )
        return self._mixed(state, name, [query, key, value], "linear_1")

    def listening(self, state: str, name: str, layer: int) -> str:
        """Attention to what was heard, added to what came."""
        query = self.linear(self.normed(state, f"{name}/layer_norm"), f"{name}/linear_0")
        heard = [f"heard_key{layer}", f"heard_value{layer}"]
        return self._mixed(state, name, [query, *heard], "linear_2")

    def _mixed(self, state: str, name: str, inputs: Sequence[str], last: str) -> str:
        found = self.graph.node(
            "MultiHeadAttention", inputs, f"{name}/found", _MICROSOFT, num_heads=HEADS
        )
        return self.graph.node("Add", [state, self.linear(found, f"{name}/{last}")], f"{name}/sum")

    def dense_block(self, state: str, name: str) -> str:
        wide = self.linear(self.normed(state, f"{name}/ffn/layer_norm"), f"{name}/ffn/linear_0")
        wide = self.graph.node("Gelu", [wide], f"{name}/ffn/gelu", _MICROSOFT)
        narrow = self.linear(wide, f"{name}/ffn/linear_1")
        return self.graph.node("Add", [state, narrow], f"{name}/ffn/sum")
