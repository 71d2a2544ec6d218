"""Requests from JSON or a query, checked by their declaration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

from sage_common.core.errors import InvalidInput, MissingInput
from sage_gateway.core.contract.field import NOTHING, FieldSpec, fields_of

T = TypeVar("T")
LONGEST_TEXT = 1024
MOST_ITEMS = 100
_WORDS = {"true": True, "false": False}


def read(cls: type[T], values: object) -> T:
    """The request that a JSON object holds.

    Raises:
        InvalidInput: a field is missing, unknown, or has a wrong type or value.
    """
    if not isinstance(values, Mapping):
        raise InvalidInput("body", values, "a JSON object")
    known = {field.name: field for field in fields_of(cls)}
    for name in values:
        if name not in known:
            raise InvalidInput(str(name), values[name], f"one of {', '.join(known)}")
    return cls(**{field.name: _value(field, values) for field in known.values()})


def read_query(cls: type[T], query: Mapping[str, str]) -> T:
    """The request that a query holds; its values are text.

    Raises:
        InvalidInput: as `read`.
    """
    known = {field.name: field for field in fields_of(cls)}
    return read(cls, {k: _parsed(known[k], v) if k in known else v for k, v in query.items()})


def _value(field: FieldSpec, values: Mapping[str, Any]) -> Any:
    if field.name not in values:
        if field.default is NOTHING:
            raise MissingInput(field.name, field.type_name)
        return field.default
    value = values[field.name]
    if not field.is_many:
        return _checked(field, value)
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_ITEMS:
        raise InvalidInput(field.name, value, f"a {field.type_name}, 1 to {MOST_ITEMS} of them")
    return tuple(_checked(field, item) for item in value)


def _checked(field: FieldSpec, value: Any) -> Any:
    if field.type is float and type(value) is int:
        value = float(value)
    if type(value) is not field.type:
        raise InvalidInput(field.name, value, f"a {field.type_name}")
    if isinstance(value, str):
        return _text(field, value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(field.name, value, "a finite number")
    low, high = field.low, field.high
    if not isinstance(value, (int, float)):
        return value
    if (low is not None and value < low) or (high is not None and value > high):
        expected = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        raise InvalidInput(field.name, value, expected)
    return value


def _text(field: FieldSpec, value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise InvalidInput(field.name, value, f"at most {LONGEST_TEXT} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(field.name, value, "valid Unicode") from None
    return value


def _parsed(field: FieldSpec, text: str) -> Any:
    if field.type is str:
        return text
    if field.type is bool:
        return _WORDS.get(text, text)
    try:
        return field.type(text)
    except ValueError:
        return text  # which `read` refuses, and names
