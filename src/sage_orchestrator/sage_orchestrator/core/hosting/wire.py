"""Values between two processes over a socket: one JSON document, and the bytes of its arrays.

A message is `<II`, the length of the document and the number of arrays; then the document,
`[value, [[dtype, shape], ...]]`; then the arrays, C order. Lists, numbers and words are JSON's own;
everything else is a mapping of one key that says what it is.
"""

from __future__ import annotations

import json
import math
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput, words_of
from sage_common.core.puzzle import Percept
from sage_common.core.tiles import TileGrid, TileView
from sage_orchestrator.core.plugin.capabilities import (
    HeardSound,
    HeardUtterance,
    Memory,
    Query,
    TextEmbedding,
)
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.task import Region, Task
from sage_orchestrator.core.plugin.vocabulary import Vocabulary

_KINDS: Mapping[str, Any] = {
    kind.__name__: kind
    for kind in (
        HeardSound, HeardUtterance, History, Memory, Percept, Query, Region, Task, TextEmbedding,
        TileGrid, TileView, Vocabulary,
    )
}  # fmt: skip
Bytes: TypeAlias = bytes | memoryview
_LENGTHS = struct.Struct("<II")
_MOST_BYTES = 2**28
_NUMBERS = "biuf"
"""Kinds of NumPy types whose bytes are their values."""


def packed(value: Any) -> list[Bytes]:
    """A value as one message, in parts.

    Raises:
        InvalidInput: it holds what cannot cross.
    """
    arrays: list[NDArray[Any]] = []
    encoded = _encoded(value, arrays)
    kinds = [[array.dtype.str, list(array.shape)] for array in arrays]
    document = json.dumps([encoded, kinds]).encode()
    contents = [array.reshape(-1).view(np.uint8).data for array in arrays if array.size]
    return [_LENGTHS.pack(len(document), len(arrays)) + document, *contents]


def send(link: socket.socket, message: Sequence[Bytes]) -> None:
    """Send what `packed` gave; raises OSError: the other side is gone."""
    for part in message:
        link.sendall(part)


def receive(link: socket.socket) -> Any:
    """The next message.

    Raises:
        EOFError: the other side is gone.
        InvalidInput: what came is no message.
    """
    length, count = _LENGTHS.unpack(_bytes(link, _LENGTHS.size))
    if length > _MOST_BYTES:
        raise InvalidInput("message", f"{length} bytes", f"at most {_MOST_BYTES}")
    document = _bytes(link, length)
    try:
        value, kinds = json.loads(document)
        described = [(np.dtype(dtype), tuple(shape)) for dtype, shape in kinds]
        if len(described) != count:
            raise InvalidInput("message", f"{len(described)} arrays", f"{count}")
        return _decoded(value, [_array(link, dtype, shape) for dtype, shape in described])
    except (ValueError, TypeError, LookupError) as error:
        expected = f"a document ({type(error).__name__}: {words_of(error)})"
        raise InvalidInput("message", f"{length} bytes", expected) from error


def _array(link: socket.socket, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    size = dtype.itemsize * math.prod(shape)
    if dtype.kind not in _NUMBERS or not 0 <= size <= _MOST_BYTES:
        raise InvalidInput("array", f"{dtype} {shape}", f"numbers of at most {_MOST_BYTES} bytes")
    return np.frombuffer(_bytes(link, size), dtype).reshape(shape)


def _bytes(link: socket.socket, count: int) -> bytearray:
    buffer = bytearray(count)
    rest = memoryview(buffer)
    while rest:
        received = link.recv_into(rest)
        if not received:
            raise EOFError("the other side is gone")
        rest = rest[received:]
    return buffer


def _encoded(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_encoded(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_encoded(item, arrays) for item in value]}
    if isinstance(value, Mapping):
        return {"mapping": [[_encoded(k, arrays), _encoded(v, arrays)] for k, v in value.items()]}
    if isinstance(value, np.ndarray) and value.dtype.kind in _NUMBERS:
        arrays.append(np.ascontiguousarray(value).reshape(value.shape))  # it has no 0-d ones
        return {"array": len(arrays) - 1}
    kind = type(value).__name__
    if _KINDS.get(kind) is type(value):
        members = {f.name: _encoded(getattr(value, f.name), arrays) for f in fields(value)}
        return {kind: members}
    expected = f"numbers, words, lists, arrays, {', '.join(sorted(_KINDS))}"
    raise InvalidInput("what crosses to or from a process", value, expected)


def _decoded(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(_decoded(item, arrays) for item in content)
    if kind == "mapping":
        return {_decoded(key, arrays): _decoded(item, arrays) for key, item in content}
    if kind == "array":
        return arrays[content]
    return _KINDS[kind](**{name: _decoded(item, arrays) for name, item in content.items()})
