"""The graph and the constants of a TensorFlow.js model, read without running anything of it.

Such a model is a JSON file, which has the nodes and says of each constant its dtype and shape, and
a binary file with their numbers one after the other (format "graph-model"; weights may be float16).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError

FORMAT = "graph-model"
LARGEST_BYTES = 1 << 28
STORED: Mapping[tuple[str, str], np.dtype[Any]] = {
    ("float32", ""): np.dtype("<f4"),
    ("float32", "float16"): np.dtype("<f2"),
    ("int32", ""): np.dtype("<i4"),
}
"""By the dtype of a constant and that which it is stored in."""


@dataclass(frozen=True)
class TfNode:
    """An operator.

    Attributes:
        operator: as TensorFlow calls it.
        name: of its output.
        inputs: names of what it takes; `:1` behind a name is the second output of that node.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    _attributes: Mapping[str, Any]

    def number(self, name: str) -> float:
        """A number among its attributes; raises KeyError."""
        return float(self._attributes[name]["f"])

    def numbers(self, name: str) -> list[int]:
        """A list of whole numbers among its attributes; raises KeyError."""
        return [int(item) for item in self._attributes[name]["list"]["i"]]

    def text(self, name: str) -> str:
        """A word among its attributes; raises KeyError."""
        return base64.b64decode(self._attributes[name]["s"]).decode("ascii")

    def is_true(self, name: str) -> bool:
        """A yes or no among its attributes; raises KeyError."""
        return bool(self._attributes[name]["b"])


@dataclass(frozen=True)
class TfGraph:
    """What the files hold.

    Attributes:
        nodes: operators without the constants, each behind what it takes.
        constants: by name, float32 or int32.
    """

    nodes: Sequence[TfNode]
    constants: Mapping[str, NDArray[Any]]


def read_graph(path: Path) -> TfGraph:
    """The model of a JSON file and of the binary file beside it with the same name.

    Raises:
        ModelError: a file is missing or too large, or it is not such a model.
    """
    described, numbers = _content(path), _content(path.with_suffix(".bin"))
    try:
        return _graph(json.loads(described), numbers)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not a model of TensorFlow.js: {error}") from error


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(f"{path}: {size} bytes: expected at most {LARGEST_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: weights that cannot be read: {error.strerror}") from error


def _graph(described: Any, numbers: bytes) -> TfGraph:
    if described["format"] != FORMAT:
        raise ValueError(f"its format is {described['format']!r}: expected {FORMAT!r}")
    (group,) = described["weightsManifest"]
    constants, at = {}, 0
    for about in group["weights"]:
        constants[str(about["name"])], at = _constant(about, numbers, at)
    if at != len(numbers):
        raise ValueError(f"constants of {at} bytes in a file of {len(numbers)}")
    nodes = [_node(node) for node in described["modelTopology"]["node"] if node["op"] != "Const"]
    known = set(constants)
    for node in nodes:
        unknown = {name.split(":")[0] for name in node.inputs} - known
        if unknown:
            raise ValueError(f"{node.name} takes {sorted(unknown)}, which nothing before it gives")
        known.add(node.name)
    return TfGraph(nodes, constants)


def _constant(about: Any, numbers: bytes, at: int) -> tuple[NDArray[Any], int]:
    """A constant, and the byte behind it."""
    name, stored_as = about["name"], about.get("quantization", {}).get("dtype", "")
    stored = STORED.get((about["dtype"], stored_as))
    if stored is None:
        raise ValueError(f"{name} is {about['dtype']}, stored as {stored_as!r}")
    shape = [int(size) for size in about["shape"]]
    count = math.prod(shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"{name} has the shape {shape}")
    end = at + count * stored.itemsize
    if end > len(numbers):
        raise ValueError(f"{name} ends at byte {end} of {len(numbers)}")
    values = np.frombuffer(numbers, stored, count, at).reshape(shape)
    return values.astype(about["dtype"]), end


def _node(node: Any) -> TfNode:
    inputs = tuple(str(name) for name in node.get("input", ()) if not name.startswith("^"))
    return TfNode(str(node["op"]), str(node["name"]), inputs, node.get("attr", {}))
