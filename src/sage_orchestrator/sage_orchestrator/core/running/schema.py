"""The part of JSON Schema (draft 2020-12) that the telemetry schema uses.

Keywords: type, enum, minimum, maximum, maxLength, maxItems, items, required, properties,
additionalProperties. Any other keyword in a schema is an error here, so that none is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sage_common.core.errors import InvalidInput, MissingInput

_ANNOTATIONS = {"$schema", "$id", "title", "description"}
_KEYWORDS = _ANNOTATIONS | {
    "type", "enum", "minimum", "maximum", "maxLength", "maxItems", "items",
    "required", "properties", "additionalProperties",
}  # fmt: skip

_WORDS = {
    "string": "text", "number": "a finite number", "integer": "a whole number", "array": "a list",
    "boolean": "true or false", "object": "an object", "null": "nothing",
}  # fmt: skip


def validate(value: object, schema: Mapping[str, Any], path: str = "$") -> None:
    """Check a JSON value against a schema.

    Numbers must be finite: JSON has no other.

    Raises:
        InvalidInput: the first thing that does not fit, with its path.
        ValueError: the schema uses a keyword that is not supported here.
    """
    unknown = set(schema) - _KEYWORDS
    if unknown:
        raise ValueError(f"schema at {path}: unsupported keyword {min(unknown)}")
    types = _types(schema)
    if types and not any(_is(value, name) for name in types):
        raise InvalidInput(path, value, _expected(schema))
    if "enum" in schema and value not in schema["enum"]:
        raise InvalidInput(path, value, _expected(schema))
    if isinstance(value, str):
        _check_length(value, schema.get("maxLength"), path, "characters")
    elif isinstance(value, Mapping):
        _validate_object(value, schema, path)
    elif isinstance(value, Sequence):
        _check_length(value, schema.get("maxItems"), path, "items")
        for i, item in enumerate(value):
            validate(item, schema.get("items", {}), f"{path}[{i}]")
    elif isinstance(value, int | float):
        _check_range(value, schema, path)


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _expected(schema: Mapping[str, Any]) -> str:
    """What fits a schema, in words: "a whole number, at least 0"."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kinds = " or ".join(_WORDS[name] for name in _types(schema)) or "a value"
    ends = (("at least", "minimum"), ("at most", "maximum"))
    return ", ".join([kinds, *(f"{said} {schema[key]}" for said, key in ends if key in schema)])


def _is(value: object, name: str) -> bool:
    if name == "number":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value)  # type: ignore[arg-type]
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "array":
        return isinstance(value, Sequence) and not isinstance(value, str | bytes)
    classes: dict[str, type] = {
        "string": str, "boolean": bool, "object": Mapping, "null": type(None),
    }  # fmt: skip
    return isinstance(value, classes[name])


def _check_length(value: Sequence[object], most: int | None, path: str, unit: str) -> None:
    if most is not None and len(value) > most:
        raise InvalidInput(path, value, f"at most {most} {unit}, got {len(value)}")


def _check_range(value: float, schema: Mapping[str, Any], path: str) -> None:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and value < low:
        raise InvalidInput(path, value, f"at least {low}")
    if high is not None and value > high:
        raise InvalidInput(path, value, f"at most {high}")


def _validate_object(value: Mapping[Any, Any], schema: Mapping[str, Any], path: str) -> None:
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            raise MissingInput(f"{path}.{name}", _expected(properties.get(name, {})))
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            validate(item, properties[name], f"{path}.{name}")
        elif others is False:
            raise InvalidInput(f"{path}.{name}", item, "no such property")
        elif isinstance(others, Mapping):
            validate(item, others, f"{path}.{name}")
