"""JSON Schema (draft 2020-12) of the requests of the contract."""

from __future__ import annotations

from typing import Any

from sage_gateway.core.contract.field import NOTHING, FieldSpec, fields_of
from sage_gateway.core.contract.reading import LONGEST_TEXT, MOST_ITEMS

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def json_schema(cls: type) -> dict[str, Any]:
    """What a request must look like; `reading.read` checks the same."""
    fields = fields_of(cls)
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.default is NOTHING],
        "additionalProperties": False,
    }


def _property(field: FieldSpec) -> dict[str, Any]:
    one: dict[str, Any] = {"type": _TYPES[field.type]}
    if field.type is str:
        one["maxLength"] = LONGEST_TEXT
    if field.low is not None:
        one["minimum"] = field.low
    if field.high is not None:
        one["maximum"] = field.high
    found = one
    if field.is_many:
        found = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_ITEMS}
    found["description"] = f"{field.doc} [{field.unit}]" if field.unit else field.doc
    if field.default is not NOTHING:
        found["default"] = field.default
    return found
