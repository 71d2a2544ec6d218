"""Tensors of a file in CTranslate2's format, version 6: nothing in it is run."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError

VERSION = 6
LARGEST_BYTES = 1 << 30
DTYPES: Mapping[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype(np.int8),
    2: np.dtype("<i2"),
    3: np.dtype("<i4"),
    4: np.dtype("<f2"),
}


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors by name.

    Raises:
        ModelError: no such file, or not one in that format.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(f"{path}: {size} bytes: expected at most {LARGEST_BYTES}")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: weights that cannot be read: {error.strerror}") from error
    try:
        return _Reader(content).tensors()
    except (LookupError, ValueError, struct.error) as error:
        raise ModelError(f"{path}: not tensors that CTranslate2 saved: {error}") from error


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def tensors(self) -> dict[str, NDArray[Any]]:
        version = self._number("I")
        if version != VERSION:
            raise ValueError(f"version {version}: expected {VERSION}")
        self._text()  # the kind of model
        self._number("I")  # its revision
        return dict(self._tensor() for _ in range(self._number("I")))

    def _tensor(self) -> tuple[str, NDArray[Any]]:
        name = self._text()
        shape = [self._number("I") for _ in range(self._number("B"))]
        dtype = DTYPES[self._number("B")]
        content = self._taken(self._number("I"))
        return name, np.frombuffer(content, dtype).reshape(shape)

    def _text(self) -> str:
        return self._taken(self._number("H")).rstrip(b"\0").decode()

    def _number(self, kind: str) -> int:
        (value,) = struct.unpack(f"<{kind}", self._taken(struct.calcsize(f"<{kind}")))
        return int(value)

    def _taken(self, count: int) -> bytes:
        part = self._content[self._at : self._at + count]
        if len(part) < count:
            raise ValueError(f"{count} bytes at byte {self._at} of {len(self._content)}")
        self._at += count
        return part
