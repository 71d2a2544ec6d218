"""Packs declared state into plain arrays.

A packed state is a flat mapping: one JSON document, `fields.json`, with all numbers, words and
lists, and every array under its dotted path (`fusion.weights.model.values`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, NamedTuple, TypeAlias, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state.arrays import json_array
from sage_common.core.state.fields import (
    EVERYTHING,
    Declared,
    Part,
    Parts,
    declared_fields,
    is_declared,
    is_value,
    unmarked,
    value_fields,
    within,
)

VALUES = "fields.json"
SHORT_BYTES = 64
"""Fewer bytes stand among the values, as hexadecimal digits."""
Packed: TypeAlias = dict[str, NDArray[Any]]


class Codec(NamedTuple):
    """How objects of a foreign kind become bytes; `matches` is asked with their type."""

    matches: Callable[[Any], bool]
    to_bytes: Callable[[Any], bytes]
    from_bytes: Callable[[bytes, Any], Any]


codecs: list[Codec] = []
"""Added by packages whose objects `core` must not know."""


def pack(item: Declared, parts: Parts = EVERYTHING) -> Packed:
    """The declared state of `item` and of all within it; copies throughout.

    Raises:
        CannotContinue: transient state is asked for, and something cannot be written down.
    """
    arrays: Packed = {}
    values = _values_of(item, parts, "", arrays)
    return {VALUES: json_array(values), **arrays} if values or arrays else {}


def _values_of(item: Declared, parts: Parts, path: str, arrays: Packed) -> dict[str, Any]:
    if Part.TRANSIENT in parts:
        item.check_can_suspend()
    item.packing()
    values: dict[str, Any] = {}
    for field in declared_fields(item):
        inner, where = within(field, parts), path + field.key
        if is_declared(field.type):
            if inner:
                part = getattr(item, field.attribute)
                values[field.key] = part_values(part, inner, where, arrays)
        elif field.part in parts or field.part is Part.FIXED:
            value = getattr(item, field.attribute)
            values[field.key] = encoded(value, field.type, where, arrays)
    return values


def part_values(value: Any, parts: Parts, path: str, arrays: Packed) -> Any:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {k: part_values(v, parts, f"{path}.{k}", arrays) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [part_values(v, parts, f"{path}.{k}", arrays) for k, v in enumerate(value)]
    return _values_of(value, parts, path + ".", arrays)


def encoded(value: Any, kind: Any, path: str, arrays: Packed) -> Any:
    plain, _ = unmarked(kind)
    if value is None:
        return None
    origin, arguments = get_origin(plain), get_args(plain)
    if NoneType in arguments:
        return encoded(value, without_none(plain), path, arrays)
    if isinstance(value, np.ndarray):
        arrays[path] = value.copy()
        return list(value.shape)
    if isinstance(value, bytes) and len(value) <= SHORT_BYTES:
        return value.hex()
    if isinstance(value, bytes):
        arrays[path] = np.frombuffer(value, np.uint8)
        return len(value)
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if is_value(plain):
        members = value_fields(plain)
        return {n: encoded(getattr(value, n), k, f"{path}.{n}", arrays) for n, k in members.items()}
    if origin is not None and isinstance(value, Mapping):
        of = arguments[1]
        return {name: encoded(v, of, f"{path}.{name}", arrays) for name, v in value.items()}
    if origin is not None:
        items = sorted(value) if isinstance(value, set) else list(value)
        kinds = item_kinds(origin, arguments, len(items))
        pairs = enumerate(zip(items, kinds, strict=True))
        return [encoded(v, k, f"{path}.{i}", arrays) for i, (v, k) in pairs]
    if isinstance(value, enum.Enum):
        return value.value
    if plain in (bool, int, float, str):
        return plain(value)
    codec = codec_of(plain, path)
    arrays[path] = np.frombuffer(codec.to_bytes(value), np.uint8)
    return len(arrays[path])


def item_kinds(origin: Any, arguments: tuple[Any, ...], count: int) -> list[Any]:
    if origin is tuple and arguments[-1] is not Ellipsis:
        return list(arguments)
    return [arguments[0]] * count


def without_none(union: Any) -> Any:
    some = [part for part in get_args(union) if part is not NoneType]
    if len(some) != 1:
        raise TypeError(f"{union}: expected one type or None")
    return some[0]


def codec_of(kind: Any, path: str) -> Codec:
    for codec in codecs:
        if codec.matches(kind):
            return codec
    raise TypeError(f"{path}: {kind} cannot be packed")
