"""Tensors of a file that PyTorch saved, read without PyTorch and without running what is in it.

Such a file is made of pickles, which are programs. Here their instructions are decoded by
`pickletools`, and only those that build dictionaries, tuples and numbers are followed; of all
functions that a pickle can name, those that rebuild a tensor are known, and none is called. The
format is that of `torch.save` before PyTorch 1.6: three pickles about the format, one of the
tensors, one with the order of the storages, then the size and the numbers of each.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
LARGEST_BYTES = 1 << 30
DICTIONARY, TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
DTYPES: Mapping[str, np.dtype[Any]] = {
    "torch FloatStorage": np.dtype("<f4"),
    "torch HalfStorage": np.dtype("<f2"),
    "torch LongStorage": np.dtype("<i8"),
}
_CONSTANTS = {"NEWTRUE": True, "NEWFALSE": False, "NONE": None}
_VALUES = ("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "BINFLOAT")


@dataclass(frozen=True)
class _Name:
    """A class or a function that the file names; it is not imported."""

    name: str


@dataclass(frozen=True)
class _Tensor:
    dtype: np.dtype[Any]
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The tensor in its storage."""
        reach = sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        known = min((self.offset, *self.strides, *self.shape)) >= 0
        if not known or (min(self.shape, default=1) and self.offset + reach >= len(numbers)):
            raise ValueError(f"a tensor outside of its storage of {len(numbers)} numbers")
        strides = [stride * self.dtype.itemsize for stride in self.strides]
        return as_strided(numbers[self.offset :], self.shape, strides, writeable=False)


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a state dictionary by name.

    Raises:
        ModelError: no such file, or not a state dictionary in that format.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ModelError(f"{path}: {size} bytes: expected at most {LARGEST_BYTES}")
        file = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: weights that cannot be read: {error.strerror}") from error
    try:
        return _tensors(file)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not tensors that PyTorch saved: {error}") from error


def _tensors(file: io.BytesIO) -> dict[str, NDArray[Any]]:
    magic, protocol, about = (_Reader().read(file) for _ in range(3))
    if magic != MAGIC_NUMBER or protocol != PROTOCOL or not about["little_endian"]:
        raise ValueError("not the head of the format")
    described = _Reader().read(file)
    dtypes = {tensor.storage: tensor.dtype for tensor in described.values()}
    storages = {key: _storage(file, dtypes[key]) for key in _Reader().read(file)}
    return {str(name): tensor.of(storages[tensor.storage]) for name, tensor in described.items()}


def _storage(file: io.BytesIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    count = int(np.frombuffer(file.read(8), "<i8")[0])
    content = file.read(count * dtype.itemsize)
    return np.frombuffer(content, dtype, count)


class _Reader:
    """Follows the instructions of one pickle, on a stack as they expect it."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._doing: dict[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            "MARK": lambda _: self._marks.append(len(self._stack)),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "GLOBAL": lambda name: self._stack.append(_Name(name)),
            "TUPLE": lambda _: self._stack.append(tuple(self._marked())),
            "TUPLE1": lambda _: self._stack.append((self._stack.pop(),)),
            "TUPLE2": lambda _: self._stack.append(tuple(self._popped(2))),
            "TUPLE3": lambda _: self._stack.append(tuple(self._popped(3))),
            "APPEND": lambda _: self._extend(self._popped(1)),
            "APPENDS": lambda _: self._extend(self._marked()),
            "SETITEM": lambda _: self._put(self._popped(2)),
            "SETITEMS": lambda _: self._put(self._marked()),
            "BINPUT": self._remember,
            "LONG_BINPUT": self._remember,
            "BINGET": lambda at: self._stack.append(self._memo[at]),
            "LONG_BINGET": lambda at: self._stack.append(self._memo[at]),
            "BINPERSID": lambda _: self._stack.append(_storage_named(*self._popped(1))),
            "REDUCE": lambda _: self._stack.append(_built(*self._popped(2))),
            "BUILD": self._ignore_attributes,
        }

    def read(self, file: io.BytesIO) -> Any:
        """What the pickle at the file's place describes; the file is then behind it."""
        for operation, argument, _ in pickletools.genops(file):
            name = operation.name
            if name == "STOP":
                break
            if name in _VALUES:
                self._stack.append(argument)
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name])
            elif name in self._doing:
                self._doing[name](argument)
            else:
                raise ValueError(f"the instruction {name}, which describes no tensor")
        (described,) = self._stack
        return described

    def _remember(self, at: int) -> None:
        self._memo[at] = self._stack[-1]

    def _popped(self, count: int) -> list[Any]:
        items = self._stack[-count:]
        if len(items) < count:
            raise ValueError("it takes more from its stack than there is")
        del self._stack[-count:]
        return items

    def _marked(self) -> list[Any]:
        begin = self._marks.pop()
        items = self._stack[begin:]
        del self._stack[begin:]
        return items

    def _extend(self, items: list[Any]) -> None:
        self._stack[-1].extend(items)

    def _put(self, items: list[Any]) -> None:
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _ignore_attributes(self, _: Any) -> None:
        """Of a state dictionary: versions of its modules, of no use here."""
        self._stack.pop()


def _storage_named(described: Any) -> tuple[np.dtype[Any], str]:
    """Dtype and key of a storage."""
    kind, of, key, *_ = described
    if kind != "storage" or not isinstance(of, _Name) or of.name not in DTYPES:
        raise ValueError(f"a storage of {described!r}: expected one of {', '.join(DTYPES)}")
    return DTYPES[of.name], str(key)


def _built(function: Any, arguments: Any) -> Any:
    """What one of the known functions would return."""
    if function == _Name(DICTIONARY) and arguments == ():
        return {}
    if function != _Name(TENSOR):
        raise ValueError(f"a call of {function!r}, which builds no tensor")
    (dtype, key), offset, shape, strides, *_ = arguments
    return _Tensor(dtype, key, int(offset), tuple(shape), tuple(strides))
