"""Restores packed state: checked against what is declared, all of it or nothing."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from types import NoneType
from typing import Any, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput, MissingInput
from sage_common.core.state.arrays import Arrays, json_of
from sage_common.core.state.fields import (
    EVERYTHING,
    Declared,
    Field,
    Part,
    Parts,
    declared_fields,
    is_declared,
    is_value,
    optional_fields,
    unmarked,
    value_fields,
    within,
)
from sage_common.core.state.old import upgraded
from sage_common.core.state.packing import VALUES, codec_of, item_kinds, without_none
from sage_common.core.state.ranges import range_of


def unpack(item: Declared, state: Arrays, parts: Parts = EVERYTHING) -> None:
    """Restore what `pack` gave for the same parts.

    Raises:
        InvalidInput: it does not fit; nothing is changed.
    """
    _check_arrays(state)
    if not state:
        if any(_belongs(field, parts) for field in declared_fields(item)):
            raise InvalidInput("state", state, f"that of a {type(item).__name__}")
        return
    if VALUES in state:
        found = _Restoring(parts, json_of(state[VALUES]), state)
    else:
        values, arrays = upgraded(item, state, parts)
        found = _Restoring(parts, values, arrays)
    found.plan(item, found.values, "", parts)
    found.apply()


class _Restoring:
    """Decodes and checks everything, then assigns it: all or nothing."""

    def __init__(self, parts: Parts, values: Any, arrays: Arrays) -> None:
        self.values = values
        self._arrays = arrays
        self._assignments: list[Callable[[], None]] = []
        self._restored: list[Declared] = []

    def plan(self, item: Declared, values: Any, path: str, parts: Parts) -> None:
        if not isinstance(values, dict):
            raise InvalidInput(path.rstrip(".") or VALUES, values, "a mapping of fields")
        decoded: dict[str, Any] = {}
        for field in declared_fields(item):
            if not _belongs(field, parts):
                continue
            current, inner = getattr(item, field.attribute, None), within(field, parts)
            where = path + field.key
            stateful = is_declared(field.type)
            if field.key not in values and field.key in item.new_keys:
                continue
            if field.key not in values:
                raise MissingInput(where, f"the field {field.key} of {type(item).__name__}")
            packed = values[field.key]
            if stateful:
                if current is None and packed is not None:
                    current = item.make_part(field.key, values)
                    self._assign(item, field, current)
                elif current is not None and packed is None:
                    self._assign(item, field, None)
                    continue
                self._plan_part(current, packed, where, inner)
                continue
            value = decoded[field.key] = self._decoded(packed, field.type, where, current)
            if field.part is not Part.FIXED:
                self._assign(item, field, value)
            elif value != current:
                raise InvalidInput(where, value, repr(current))
        try:
            item.check_values(decoded)
        except InvalidInput as fault:
            raise InvalidInput(path + fault.field, fault.value, fault.expected) from None
        self._restored.append(item)

    def _plan_part(self, current: Any, packed: Any, path: str, parts: Parts) -> None:
        if isinstance(current, Mapping):
            for name in current:
                if name in _expected(packed, dict, path):
                    self._plan_part(current[name], packed[name], f"{path}.{name}", parts)
        elif isinstance(current, list | tuple):
            if len(_expected(packed, list, path)) != len(current):
                raise InvalidInput(path, f"{len(packed)} parts", f"{len(current)}")
            for index, (part, values) in enumerate(zip(current, packed, strict=True)):
                self._plan_part(part, values, f"{path}.{index}", parts)
        elif current is not None:
            self.plan(current, packed, path + ".", parts)

    def _assign(self, item: Declared, field: Field, value: Any) -> None:
        self._assignments.append(partial(setattr, item, field.attribute, value))

    def apply(self) -> None:
        for assign in self._assignments:
            assign()
        for item in self._restored:
            item.restored()

    def _decoded(self, value: Any, kind: Any, path: str, current: Any) -> Any:
        found, allowed = self._any_decoded(value, kind, path, current), range_of(kind)
        if allowed is not None:
            allowed.check(path, found)
        return found

    def _any_decoded(self, value: Any, kind: Any, path: str, current: Any) -> Any:
        plain, varies = unmarked(kind)
        origin, arguments = get_origin(plain), get_args(plain)
        if NoneType in arguments:
            some = without_none(plain)
            return None if value is None else self._decoded(value, some, path, current)
        if origin is np.ndarray:
            return self._array(path, arguments, None if varies else current)
        if plain is bytes:
            return bytes.fromhex(value) if isinstance(value, str) else self._bytes(path)
        if plain is np.random.Generator:
            generator = current.bit_generator  # shared with others: stays the same object
            self._assignments.append(partial(setattr, generator, "state", value))
            return current
        if is_value(plain):
            return self._value(value, plain, path)
        if origin is not None:
            return self._container(value, origin, arguments, path, current)
        if isinstance(plain, type) and issubclass(plain, enum.Enum):
            return _checked(plain, value, path)
        if plain in (bool, int, float, str):
            if type(value) is not plain and not (plain is float and type(value) is int):
                raise InvalidInput(path, value, f"a {plain.__name__}")
            return plain(value)
        return codec_of(plain, path).from_bytes(self._bytes(path), plain)

    def _value(self, value: Any, plain: Any, path: str) -> Any:
        kinds, fields = value_fields(plain), _expected(value, dict, path)
        # An older version did not write what has been added since; that takes its default.
        needed = kinds.keys() - optional_fields(plain)
        if not needed <= fields.keys() <= kinds.keys():
            raise InvalidInput(path, sorted(fields), f"the fields {', '.join(kinds)}")
        return plain(**{n: self._decoded(fields[n], kinds[n], f"{path}.{n}", None) for n in fields})

    def _container(
        self, value: Any, origin: Any, arguments: tuple[Any, ...], path: str, current: Any
    ) -> Any:
        if isinstance(origin, type) and issubclass(origin, Mapping):
            currents = current or {}
            kind = type(current) if current is not None else dict
            return kind(
                (name, self._decoded(v, arguments[1], f"{path}.{name}", currents.get(name)))
                for name, v in _expected(value, dict, path).items()
            )
        kinds = item_kinds(origin, arguments, len(_expected(value, list, path)))
        if len(kinds) != len(value):
            raise InvalidInput(path, f"{len(value)} items", f"{len(kinds)}")
        pairs = enumerate(zip(value, kinds, strict=True))
        items = [self._decoded(v, kind, f"{path}.{index}", None) for index, (v, kind) in pairs]
        if origin is deque:
            return deque(items, getattr(current, "maxlen", None))
        return items if origin is list else origin(items)

    def _array(self, path: str, arguments: tuple[Any, ...], current: Any) -> NDArray[Any]:
        array = self._raw(path)
        declared = next(iter(get_args(arguments[-1])), Any)
        dtype = array.dtype if declared is Any else np.dtype(declared)
        dtype = dtype if current is None else current.dtype
        if array.dtype != dtype:
            raise InvalidInput(path, str(array.dtype), str(dtype))
        if current is not None and array.shape != current.shape:
            raise InvalidInput(path, f"shape {list(array.shape)}", f"{list(current.shape)}")
        if _has_nan(array) and current is not None and not _has_nan(current):
            raise InvalidInput(path, "NaN", "numbers")
        return np.array(array)

    def _bytes(self, path: str) -> bytes:
        array = self._raw(path)
        if array.dtype != np.uint8 or array.ndim != 1:
            raise InvalidInput(path, f"{array.dtype} {list(array.shape)}", "bytes, uint8 [n]")
        return array.tobytes()

    def _raw(self, path: str) -> NDArray[Any]:
        if path not in self._arrays:
            raise MissingInput(path, "an array of this name")
        return self._arrays[path]


def _belongs(field: Field, parts: Parts) -> bool:
    """Whether a state of these parts holds the attribute."""
    if is_declared(field.type):
        return bool(within(field, parts))
    return field.part in parts or field.part is Part.FIXED


def _check_arrays(state: Arrays) -> None:
    if not isinstance(state, Mapping):
        raise InvalidInput("state", state, "a mapping of names to arrays")
    for name, array in state.items():
        if not isinstance(array, np.ndarray):
            raise InvalidInput(name, array, "an array")


def _expected(value: Any, kind: type, path: str) -> Any:
    if not isinstance(value, kind):
        raise InvalidInput(path, value, "a mapping" if kind is dict else "a list")
    return value


def _checked(kind: Any, value: Any, path: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise InvalidInput(path, value, f"one of {[item.value for item in kind]}") from None


def _has_nan(array: NDArray[Any]) -> bool:
    return array.dtype.kind == "f" and bool(np.isnan(array).any())
