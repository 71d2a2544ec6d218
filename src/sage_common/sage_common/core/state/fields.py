"""Which attributes of a class are its state, and of what types they are."""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType
from typing import (
    Annotated,
    Any,
    ClassVar,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import Arrays

T = TypeVar("T")


class Part(enum.Enum):
    """What a declared attribute belongs to."""

    LEARNED = "learned"
    """Kept over a restart."""
    TRANSIENT = "transient"
    """Stale after a restart: kept only by a snapshot, which goes on at the same instant."""
    FIXED = "fixed"
    """Set by the constructor: goes with whatever is packed, and must be the same on restore."""


class Size(enum.Enum):
    """What the length of an array may do."""

    VARIABLE = "variable"


Parts: TypeAlias = frozenset[Part]
LEARNED: Parts = frozenset({Part.LEARNED})
EVERYTHING: Parts = frozenset({Part.LEARNED, Part.TRANSIENT})
State = Annotated[T, Part.LEARNED]
"""`count: State[int] = 0` in a class body declares learned state."""
Transient = Annotated[T, Part.TRANSIENT]
Fixed = Annotated[T, Part.FIXED]
Variable = Annotated[NDArray[Any], Size.VARIABLE]
"""An array whose first dimension is not that of the array that it replaces."""


@dataclass(frozen=True)
class Field:
    """One declared attribute.

    Attributes:
        attribute: its name in the object.
        key: its name in the packed state.
        part: what it belongs to.
        type: its type, without the mark.
    """

    attribute: str
    key: str
    part: Part
    type: Any


def declared_fields(item: Declared) -> tuple[Field, ...]:
    """The attributes that the class of `item` and its bases declare as state, in order."""
    cls: Any = type(item)
    return class_fields(cls)


@functools.cache
def class_fields(cls: Any) -> tuple[Field, ...]:
    """The attributes that a class and its bases declare as state, in order.

    A subclass may narrow the type of one without repeating the mark.
    """
    found: dict[str, Field] = {}
    for base in reversed(cls.__mro__[:-1]):
        for name, hint in get_type_hints(base, include_extras=True).items():
            marks = list(getattr(hint, "__metadata__", ()))
            part = next((mark for mark in marks if isinstance(mark, Part)), None)
            if part is not None:
                marks.remove(part)
                plain = hint.__origin__
                kind = functools.reduce(lambda inner, mark: Annotated[inner, mark], marks, plain)
                found[name] = Field(name, name.lstrip("_"), part, kind)
    return tuple(found.values())


@functools.cache
def value_fields(cls: Any) -> Mapping[str, Any]:
    """Names and types of all fields of a dataclass or named tuple."""
    hints = get_type_hints(cls, include_extras=True)
    if is_dataclass(cls):
        return {field.name: hints[field.name] for field in fields(cls)}
    return {name: hints[name] for name in cls._fields}


def optional_fields(cls: Any) -> frozenset[str]:
    """Names of the fields of a dataclass or named tuple that have a default."""
    if is_dataclass(cls):
        return frozenset(field.name for field in fields(cls) if field.default is not MISSING)
    return frozenset(cls._field_defaults)


def is_value(kind: Any) -> bool:
    """Whether it is a dataclass or a named tuple."""
    return isinstance(kind, type) and (is_dataclass(kind) or hasattr(kind, "_fields"))


def renamed(**old: str | tuple[str, ...]) -> Mapping[str, str | tuple[str, ...]]:
    """For `Declared.old_keys`: `key="name"`, or `array=(key, ...)` that held several numbers."""
    return old


class Declared:
    """Has declared state; what a class may do about saving beyond declaring."""

    old_keys: ClassVar[Mapping[str, str | tuple[str, ...]]] = renamed()
    """Names in states that older versions wrote; see `sage_common.core.state.old`."""
    new_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys that states of older versions lack: what belongs to them begins anew."""

    def from_old(self, old: Arrays) -> Mapping[str, Any]:
        """Attributes by key, of a state that an older version wrote in a form of its own."""
        return {}

    def packing(self) -> None:
        """Called before packing; what is kept in another form is brought into that of the state."""

    def check_can_suspend(self) -> None:
        """Asked before transient state is packed.

        Raises:
            CannotContinue: it holds something that cannot be written down.
        """

    def check_values(self, values: Mapping[str, Any]) -> None:
        """Asked before anything is restored: whether the values by key fit each other and this.

        A key that an older version did not write is not there.

        Raises:
            InvalidInput: they do not; its field is a key.
        """

    def make_part(self, key: str, values: Mapping[str, Any]) -> Any:
        """A fresh part for a declared attribute that is None and was not when it was packed.

        Args:
            key: the attribute's key.
            values: what was packed of this object.
        """
        raise InvalidInput(key, "a state", "none, as nothing is loaded here")

    def restored(self) -> None:
        """Called after restoring; what is computed from the state is computed here."""


def is_declared(kind: Any) -> bool:
    """Whether a declared type is a `Declared`, or None or a list or mapping of these."""
    plain, _ = unmarked(kind)
    origin = get_origin(plain) or plain
    if isinstance(origin, type) and issubclass(origin, Declared):
        return True
    return any(is_declared(part) for part in get_args(plain) if part is not NoneType)


def within(field: Field, parts: Parts) -> Parts:
    """What is packed of a `Declared` that an attribute holds; empty: nothing."""
    if field.part is Part.TRANSIENT:
        return EVERYTHING if Part.TRANSIENT in parts else frozenset()
    return parts


def unmarked(kind: Any) -> tuple[Any, bool]:
    """The type without its marks, and whether the length of an array may vary."""
    if get_origin(kind) is Annotated:
        plain, *marks = get_args(kind)
        return unmarked(plain)[0], Size.VARIABLE in marks
    return (kind.__bound__ if isinstance(kind, TypeVar) else kind), False
