"""States that older versions wrote: without `fields.json`, and with numbers in arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import MissingInput
from sage_common.core.state.arrays import Arrays, section_of, text_of
from sage_common.core.state.fields import (
    Declared,
    Field,
    Part,
    Parts,
    declared_fields,
    is_declared,
    unmarked,
    within,
)
from sage_common.core.state.packing import Packed, encoded, part_values


def upgraded(item: Declared, old: Arrays, parts: Parts) -> tuple[dict[str, Any], Packed]:
    """Values and arrays as `pack` gives them today.

    `item.old_keys` says where an attribute was under another name (`key: name`) and which array
    held several numbers (`array: (key, ...)`).

    Raises:
        MissingInput: an array is absent.
    """
    arrays: Packed = {}
    return _values(item, old, parts, "", arrays), arrays


def _values(item: Declared, old: Arrays, parts: Parts, path: str, arrays: Packed) -> dict[str, Any]:
    known = dict(item.from_old(old))
    for array, keys in item.old_keys.items():
        if isinstance(keys, tuple) and array in old:
            known.update(zip(keys, np.asarray(old[array]).tolist(), strict=True))
    values: dict[str, Any] = {}
    for field in declared_fields(item):
        name: Any = item.old_keys.get(field.key, field.key)
        inner = within(field, parts)
        current = getattr(item, field.attribute, None)
        where = path + field.key
        if is_declared(field.type):
            if inner:
                part = known.get(field.key, current)
                values[field.key] = _part(part, _section(old, name), inner, where, arrays)
        elif field.part in parts or field.part is Part.FIXED:
            if not {field.key, name} & {*known, *old} and field.key in item.new_keys:
                continue
            if field.key not in known:
                known[field.key] = _found(field, old, name, where, current)
            value = _converted(known[field.key], field)
            values[field.key] = encoded(value, field.type, where, arrays)
    return values


def _section(old: Arrays, name: Any) -> Arrays:
    return section_of(old, name) if name else old


def _part(part: Any, old: Arrays, parts: Parts, path: str, arrays: Packed) -> Any:
    if part is None:
        return None
    if not old:
        return part_values(part, parts, path, arrays)
    if isinstance(part, Mapping):
        return {
            name: _part(inner, section_of(old, name), parts, f"{path}.{name}", arrays)
            for name, inner in part.items()
            if section_of(old, name)
        }
    return _values(part, old, parts, path + ".", arrays)


def _found(field: Field, old: Arrays, name: str, path: str, current: Any) -> Any:
    if name not in old:
        if field.part is Part.FIXED:
            return current
        raise MissingInput(path, "an array of this name")
    array = np.asarray(old[name])
    if isinstance(current, np.ndarray):
        return _filled(array, current)
    return array.tolist() if array.dtype != np.uint8 else text_of(array)


def _filled(array: NDArray[Any], current: NDArray[Any]) -> NDArray[Any]:
    """Once only the rows in use were kept: the others are zero."""
    if array.shape[1:] != current.shape[1:] or len(array) >= len(current):
        return array
    whole = np.zeros(current.shape, array.dtype)
    whole[: len(array)] = array
    return whole


def _converted(value: Any, field: Field) -> Any:
    """Numbers of mixed kinds shared one array of floats."""
    plain, _ = unmarked(field.type)
    if plain in (int, bool) and isinstance(value, int | float):
        return plain(value)
    return value
