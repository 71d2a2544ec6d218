"""Every parameter stands once, in a frozen dataclass: default, unit, range, meaning.

The ROS declaration, the YAML validation and `docs/parameters.md` are made from it.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from sage_common.core.errors import nearest_name

Value = bool | int | float | str | tuple[str, ...] | tuple[float, ...]
T = TypeVar("T")
_LONGEST_NUMBER = 1e15
_TYPING_ERROR = 0.6
_METADATA_KEY = "sage_parameter"
_ROS_SWITCHES = ("use_sim_time", "start_type_description_service")
_ROS_PREFIX = "qos_overrides."
IN_USE = "it was read when the node was configured; deactivate and clean up the node, then set it"


class ParameterError(ValueError):
    """A parameter that is unknown, or whose value has the wrong type or range."""


@dataclass(frozen=True)
class ParameterSpec:
    """What is known of one parameter.

    Attributes:
        name: as in YAML.
        type: bool, int, float, str, tuple[str, ...] or tuple[float, ...].
        default: value where none is given.
        doc: meaning, one line.
        unit: SI symbol, or empty.
        low, high: inclusive range, or None.
        choices: allowed values, or empty.
        replaces: parameters of older versions, of another meaning, that it stands for now.
        changeable: whether it may be set while the node is active; the others are read when it is
            configured.
    """

    name: str
    type: Any
    default: Value
    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] = ()
    replaces: tuple[str, ...] = ()
    changeable: bool = False

    @property
    def type_name(self) -> str:
        """The type in words."""
        if self.type == tuple[str, ...]:
            return "list of strings"
        if self.type == tuple[float, ...]:
            return "list of numbers"
        return {bool: "true or false", int: "whole number", float: "number", str: "string"}[
            self.type
        ]

    @property
    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            named = ", ".join(str(choice) for choice in self.choices if choice != "")
            return f"one of {named}" + (", or empty" if "" in self.choices else "")
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{self.type_name} from {self.low:g} to {self.high:g}{unit}"
        if self.low is not None:
            return f"{self.type_name} of at least {self.low:g}{unit}"
        if self.high is not None:
            return f"{self.type_name} of at most {self.high:g}{unit}"
        return self.type_name

    def convert(self, value: object) -> Value:
        """`value` in the parameter's type.

        Raises:
            ParameterError: wrong type, out of range, not finite, or not among the choices.
        """
        converted = self._typed(value)
        numbers = converted if isinstance(converted, tuple) else (converted,)
        in_range = all(self._in_range(number) for number in numbers)
        if not in_range or (self.choices and converted not in self.choices):
            raise self._wrong(value)
        return converted

    def _wrong(self, value: object) -> ParameterError:
        items = value if isinstance(value, list | tuple) else [value]
        of_numbers = self.type in (int, float, tuple[float, ...])
        hints = (_number_in(item, self.type is int) for item in items if of_numbers)
        hint = next((f"; {text}" for text in hints if text), "")
        return ParameterError(f"{self.name} = {value!r}: expected {self.expected}{hint}")

    def _typed(self, value: object) -> Value:
        wrong = self._wrong(value)
        if self.type is bool or isinstance(value, bool):
            if self.type is bool and isinstance(value, bool):
                return value
            raise wrong
        if self.type is int and isinstance(value, int):
            return value
        if self.type is float and isinstance(value, int | float):
            return float(value)
        if self.type is str and isinstance(value, str):
            return value
        is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        if is_list and self.type == tuple[str, ...]:
            items = tuple(typing.cast(Sequence[object], value))
            if all(isinstance(item, str) for item in items):
                return typing.cast(tuple[str, ...], items)
        if is_list and self.type == tuple[float, ...]:
            items = tuple(typing.cast(Sequence[object], value))
            if all(isinstance(item, int | float) and not isinstance(item, bool) for item in items):
                return tuple(float(typing.cast(float, item)) for item in items)
        raise wrong

    def _in_range(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        if not math.isfinite(value):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


def _number_in(value: object, whole: bool) -> str:
    """What to write for text that holds a number, such as `6e1` (YAML 1.1 wants `6.0e+1`)."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return ""
    if not abs(number) < _LONGEST_NUMBER or (whole and not number.is_integer()):
        return ""
    right = str(int(number)) if whole else format(Decimal(repr(number)), "f")
    return f"{value!r} is text in YAML, write {right}"


def parameter(
    default: Any,
    *,
    doc: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[Value, ...] | None = None,
    replaces: tuple[str, ...] = (),
    changeable: bool = False,
) -> Any:
    """A dataclass field that is a parameter; see `ParameterSpec`."""
    metadata = {"doc": doc, "unit": unit, "low": low, "high": high, "choices": choices or ()}
    metadata |= {"replaces": replaces, "changeable": changeable}
    return dataclasses.field(default=default, metadata={_METADATA_KEY: metadata})


@dataclass(frozen=True)
class NodeParameters:
    """Parameters that every node has."""

    home: str = parameter("", doc="SAGE home folder; empty: $SAGE_HOME or ~/.local/share/sage")
    resume: bool = parameter(True, doc="continue from the saved state, if there is one")
    checkpoint_period_s: float = parameter(
        60.0, doc="time between saves of the learned state", unit="s", low=1.0, high=86400.0
    )
    instances: tuple[str, ...] = parameter(
        (),
        doc="modalities that are another instance of an installed one, `MODALITY INSTALLED` each; "
        "the graph fills it in",
    )
    grouped: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    """Of each of `groups()`, by its prefix, the dataclass with its values."""

    @classmethod
    def groups(cls) -> Mapping[str, type]:
        """Dataclasses of further parameters by prefix: they are called `PREFIX.NAME`."""
        return {}

    @classmethod
    def absent_groups(cls, values: Mapping[str, object]) -> Collection[str]:
        """Prefixes of groups that the values ask for and that are not here now."""
        return ()


def specs(cls: type) -> tuple[ParameterSpec, ...]:
    """The parameters of a dataclass in order of declaration, then those of its groups."""
    hints = typing.get_type_hints(cls)
    own = tuple(
        ParameterSpec(
            name=item.name,
            type=hints[item.name],
            default=typing.cast(Value, item.default),
            **item.metadata[_METADATA_KEY],
        )
        for item in dataclasses.fields(cls)
        if _METADATA_KEY in item.metadata
    )
    grouped = (
        dataclasses.replace(
            spec,
            name=f"{prefix}.{spec.name}",
            replaces=tuple(f"{prefix}.{name}" for name in spec.replaces),
        )
        for prefix, group in _groups(cls).items()
        for spec in specs(group)
    )
    return (*own, *grouped)


def _groups(cls: type) -> Mapping[str, type]:
    return cls.groups() if issubclass(cls, NodeParameters) else {}


def check_change(cls: type, name: str, value: object) -> None:
    """Check a value that is to be set while the node is active.

    Raises:
        ParameterError: an unknown parameter, a wrong value, or one that may not be changed now.
    """
    known = {spec.name: spec for spec in specs(cls)}
    build(cls, {name: value})
    if not known[name].changeable:
        raise ParameterError(f"{name}: {IN_USE}")


def is_ros_parameter(name: str) -> bool:
    """True if rclpy declares it for every node: files may set it, no dataclass has it."""
    return name in _ROS_SWITCHES or name.startswith(_ROS_PREFIX)


def check_ros_parameters(values: Mapping[str, object]) -> None:
    """Check those of the values that rclpy declares.

    Raises:
        ParameterError: a switch is neither true nor false.
    """
    for name in _ROS_SWITCHES:
        if name in values and not isinstance(values[name], bool):
            raise ParameterError(f"{name} = {values[name]!r}: expected true or false")


def of_absent_groups(cls: type, values: Mapping[str, object]) -> tuple[str, ...]:
    """Names of those values that belong to groups which are not here now; nobody reads them."""
    prefixes = cls.absent_groups(values) if issubclass(cls, NodeParameters) else ()
    return tuple(name for name in values if "." in name and name.partition(".")[0] in prefixes)


def build(cls: type[T], values: Mapping[str, object]) -> T:
    """An instance of the dataclass `cls` from YAML values; absent ones take their default.

    Raises:
        ParameterError: an unknown key (what stands for it now, or else one that is near, is
            named), or a wrong value.
    """
    known = {spec.name: spec for spec in specs(cls)}
    replaced = {old: spec for spec in known.values() for old in spec.replaces}
    unread = of_absent_groups(cls, values)
    for name in values:
        if name in replaced:
            now = replaced[name]
            raise ParameterError(f"{name}: is now {now.name}, another unit: {now.doc} [{now.unit}]")
        if name not in known and name not in unread:
            nearest = nearest_name(name, known, _TYPING_ERROR)
            hint = f"; the nearest known is {nearest}" if nearest else ""
            raise ParameterError(f"{name}: unknown parameter{hint}")
    converted = {
        name: spec.convert(values[name]) if name in values else spec.default
        for name, spec in known.items()
    }
    grouped = {
        prefix: group(
            **{spec.name: converted.pop(f"{prefix}.{spec.name}") for spec in specs(group)}
        )
        for prefix, group in _groups(cls).items()
    }
    return cls(**converted, **({"grouped": grouped} if grouped else {}))
