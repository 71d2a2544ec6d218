"""A field of an answer, an event or a request, declared once: type, unit, range and meaning."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_KEY = "sage_contract"
_JSON = {bool: "bool", int: "int", float: "number", str: "string"}
NOTHING = dataclasses.MISSING


def said(
    doc: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    default: Any = NOTHING,
) -> Any:
    """A dataclass field with its meaning; one with a default may be left out of a request."""
    return dataclasses.field(default=default, metadata={_KEY: (doc, unit, low, high)})


def share(doc: str) -> Any:
    """A field of 0 to 1."""
    return said(doc, low=0.0, high=1.0)


@dataclass(frozen=True)
class FieldSpec:
    """What is known of one field.

    Attributes:
        name: as in JSON.
        type: bool, int, float, str, a dataclass, or a tuple of one of them.
        is_optional: it may be null: it is not known.
        is_many: it is a list.
        is_mapping: it is an object of any names.
        unit: SI symbol, or empty.
        low, high: inclusive range, or None.
        default: of a request; `NOTHING`: it must be given.
    """

    name: str
    type: type
    is_optional: bool
    is_many: bool
    is_mapping: bool
    doc: str
    unit: str
    low: float | None
    high: float | None
    default: Any

    @property
    def type_name(self) -> str:
        """As the page on the contract names it."""
        name = _JSON.get(self.type, self.type.__name__)
        name = f"list of {name}" if self.is_many else name
        name = f"object of {name}" if self.is_mapping else name
        return f"{name} or null" if self.is_optional else name


def fields_of(cls: type) -> tuple[FieldSpec, ...]:
    """The fields of a dataclass of the contract, in their order."""
    hints = typing.get_type_hints(cls)
    return tuple(_spec(field, hints[field.name]) for field in dataclasses.fields(cls))


def parts_of(cls: type) -> Iterator[type]:
    """The dataclass, then those that it is made of, each once."""
    found, ahead = [cls], [cls]
    while ahead:
        inner = [f.type for f in fields_of(ahead.pop()) if dataclasses.is_dataclass(f.type)]
        new = [kind for kind in dict.fromkeys(inner) if kind not in found]
        found += new
        ahead += new
    yield from found


def _spec(field: dataclasses.Field[Any], hint: Any) -> FieldSpec:
    doc, unit, low, high = field.metadata[_KEY]
    options = [hint]
    if isinstance(hint, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
    (inner,) = options
    origin, inside = typing.get_origin(inner), typing.get_args(inner)
    return FieldSpec(
        name=field.name,
        type=inner if origin is None else inside[0] if origin is tuple else inside[1],
        is_optional=len(options) == 1 and options != [hint],
        is_many=origin is tuple,
        is_mapping=origin is dict,
        doc=doc,
        unit=unit,
        low=low,
        high=high,
        default=field.default,
    )
