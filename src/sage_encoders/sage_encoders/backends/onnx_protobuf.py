"""The few parts of the ONNX file format that are read and written here without package `onnx`.

Numbers of fields are those of `onnx.proto3` (ONNX 1.12, IR version 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSETS = {"": 17, "com.microsoft": 1}
DTYPES = {
    1: np.dtype(np.float32),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    9: np.dtype(np.bool_),
}
Shape = Sequence[int | str]
TYPE_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}

_VARINT, _BYTES, _FLOAT = 0, 2, 5
_FIXED_BYTES = {1: 8, 5: 4}
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_TENSOR = 1, 5
_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE = 11, 12, 13
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR = 1, 2, 4
_TENSOR_DIMENSION, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9


@dataclass(frozen=True)
class Node:
    """An operator with the names of what it reads and writes."""

    operator: str
    inputs: Sequence[str]
    outputs: Sequence[str]


class Graph:
    """Nodes of an ONNX file, and those constant tensors whose data lie in it as raw bytes.

    Args:
        content: the file; arrays are views of it.

    Raises:
        ValueError: not an ONNX file, or tensors in a form that is not read here.
    """

    def __init__(self, content: bytes | memoryview) -> None:
        self.nodes: list[Node] = []
        self.tensors: dict[str, NDArray[Any]] = {}
        try:
            graph = next(v for number, v in _fields(memoryview(content)) if number == _MODEL_GRAPH)
            for number, part in _fields(graph):
                if number == _GRAPH_NODE:
                    self.nodes.append(_node(part))
                elif number == _GRAPH_TENSOR:
                    self.tensors.update(_tensor(part))
        except (IndexError, KeyError, StopIteration, TypeError) as error:
            raise ValueError(f"not an ONNX file that can be read: {error!r}") from error


class GraphWriter:
    """Collects an ONNX graph.

    Args:
        inline_bytes: larger constants are declared, but their data stay outside; None: none does.
    """

    OUTSIDE_FILE = "outside"

    def __init__(self, inline_bytes: int | None = 64) -> None:
        self._inline_bytes = inline_bytes
        self._graph = bytearray(_text(2, "graph"))
        self.outside: dict[str, NDArray[Any]] = {}

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        output: str,
        domain: str = "",
        **attributes: int | float | str | Sequence[int],
    ) -> str:
        """Add an operator; returns `output`."""
        body = b"".join(_text(_NODE_INPUT, name) for name in inputs)
        body += _text(_NODE_OUTPUT, output) + _text(_NODE_OPERATOR, operator) + _text(7, domain)
        body += b"".join(_field(5, _attribute(*item)) for item in attributes.items())
        self._graph += _field(_GRAPH_NODE, body)
        return output

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant; returns `name`. If it is large its data are kept in `outside`."""
        body = b"".join(_number(_TENSOR_DIMENSION, size) for size in array.shape)
        body += _number(_TENSOR_TYPE, TYPE_NUMBERS[array.dtype]) + _text(_TENSOR_NAME, name)
        if self._inline_bytes is None or array.nbytes <= self._inline_bytes:
            body += _field(_TENSOR_RAW, array.tobytes())
        else:
            # Data location 1 is "external".
            body += _field(13, _text(1, "location") + _text(2, self.OUTSIDE_FILE)) + _number(14, 1)
            self.outside[name] = np.ascontiguousarray(array)
        self._graph += _field(_GRAPH_TENSOR, body)
        return name

    def model(
        self,
        inputs: Mapping[str, tuple[np.dtype[Any], Sequence[int | str]]],
        outputs: Mapping[str, tuple[np.dtype[Any], Sequence[int | str]]],
        metadata: Mapping[str, str] | None = None,
    ) -> bytes:
        """The file: inputs and outputs by name, with dtype and shape (a word: of any size)."""
        graph = bytes(self._graph)
        graph += b"".join(_field(11, _value(name, *item)) for name, item in inputs.items())
        graph += b"".join(_field(12, _value(name, *item)) for name, item in outputs.items())
        opsets = (_text(1, domain) + _number(2, version) for domain, version in OPSETS.items())
        head = _number(1, IR_VERSION) + _field(_MODEL_GRAPH, graph)
        about = (_text(1, name) + _text(2, text) for name, text in (metadata or {}).items())
        return b"".join([head, *(_field(8, o) for o in opsets), *(_field(14, a) for a in about)])


def with_shapes(content: bytes, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> bytes:
    """An ONNX file with inputs and outputs of other shapes (a word: of any size), all float32.

    Inputs that are not named are left out: constants that are listed as such are constants then.

    Raises:
        ValueError: not an ONNX file.
    """
    replaced = (_GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE)
    whole = b""
    for number, value in _fields(memoryview(content)):
        if number == _MODEL_GRAPH:
            kept = (_same(n, part) for n, part in _fields(value) if n not in replaced)
            graph = b"".join(kept)
            for kind, named in ((_GRAPH_INPUT, inputs), (_GRAPH_OUTPUT, outputs)):
                shapes = (_value(name, DTYPES[1], shape) for name, shape in named.items())
                graph += b"".join(_field(kind, shape) for shape in shapes)
            whole += _field(number, graph)
        else:
            whole += _same(number, value)
    return whole


def _same(number: int, value: int | memoryview) -> bytes:
    """A field as it was read: a number, or bytes."""
    return _number(number, value) if isinstance(value, int) else _field(number, bytes(value))


def _node(body: memoryview) -> Node:
    found: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _NODE_OPERATOR: []}
    for number, value in _fields(body):
        if number in found:
            found[number].append(str(value, "utf-8"))
    return Node("".join(found[_NODE_OPERATOR]), found[_NODE_INPUT], found[_NODE_OUTPUT])


def _tensor(body: memoryview) -> dict[str, NDArray[Any]]:
    shape: list[int] = []
    values: dict[int, Any] = {}
    for number, value in _fields(body):
        if number == _TENSOR_DIMENSION:
            shape += [value] if isinstance(value, int) else _packed(value)
        else:
            values[number] = value
    if _TENSOR_RAW not in values:
        return {}
    array = np.frombuffer(values[_TENSOR_RAW], DTYPES[values[_TENSOR_TYPE]])
    return {str(values[_TENSOR_NAME], "utf-8"): array.reshape(shape)}


def _packed(values: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(values):
        number, at = _read_varint(values, at)
        numbers.append(number)
    return numbers


def _attribute(name: str, value: int | float | str | Sequence[int]) -> bytes:
    """Type 1 is a float, type 2 a whole number, type 3 a word, type 7 a list of whole numbers."""
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, 3)
    if isinstance(value, Sequence):
        return _text(1, name) + b"".join(_number(8, item) for item in value) + _number(20, 7)
    if isinstance(value, float):
        stored = bytes([2 << 3 | _FLOAT]) + np.array(value, "<f4").tobytes()
        return _text(1, name) + stored + _number(20, 1)
    return _text(1, name) + _number(3, value) + _number(20, 2)


def _value(name: str, dtype: np.dtype[Any], shape: Sequence[int | str]) -> bytes:
    sizes = (_number(1, s) if isinstance(s, int) else _text(2, s) for s in shape)
    tensor = _number(1, TYPE_NUMBERS[dtype]) + _field(2, b"".join(_field(1, s) for s in sizes))
    return _text(1, name) + _field(2, _field(1, tensor))


def _fields(message: memoryview) -> Iterator[tuple[int, Any]]:
    """Number and value of each field: int, or a view of its bytes."""
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _read_varint(message, at)
            yield number, value
            continue
        size = _FIXED_BYTES.get(wire, -1)
        if wire == _BYTES:
            size, at = _read_varint(message, at)
        if size < 0 or at + size > len(message):
            raise ValueError(f"a field of {size} bytes at byte {at} of {len(message)}")
        yield number, message[at : at + size]
        at += size


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    encoded = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(payload)) + payload


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())
