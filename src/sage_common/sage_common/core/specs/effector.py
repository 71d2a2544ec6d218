"""An effector, declared once: what it may do, how far, how long, and whether it can be undone.

A package declares one like a modality, by an entry point of group `sage.effectors`:

    entry_points={"sage.effectors": ["head = my_robot.spec:HEAD"]}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.entry_points import Registry, read
from sage_common.core.specs.modality import NAME, NAME_FORM, PATH

GROUP = "sage.effectors"


@dataclass(frozen=True)
class EffectorSpec:
    """One effector.

    Attributes:
        name: 1 to 64 small letters, digits and _, no two _ in a row and no _ at the end.
        effector: `module:Class` of what carries effects out.
        meaning: what it does, in one line.
        timeout_s: an effect that takes longer is stopped and has failed [s].
        reversible: whether an effect can be undone.
        limits: lowest and highest value by the quantity's name, which ends in its unit:
            `{"pan_rad": (-1.5, 1.5)}`.

    Raises:
        InvalidInput: a field has a wrong type or value.
    """

    name: str
    effector: str
    meaning: str
    timeout_s: float
    reversible: bool
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InvalidInput("name", self.name, NAME_FORM)
        if not isinstance(self.effector, str) or not PATH.fullmatch(self.effector):
            raise InvalidInput("effector", self.effector, "module:Class")
        if not isinstance(self.meaning, str) or not self.meaning or "\n" in self.meaning:
            raise InvalidInput("meaning", self.meaning, "one line")
        if not (_is_number(self.timeout_s) and self.timeout_s > 0.0):
            raise InvalidInput("timeout_s", self.timeout_s, "a finite time above 0 s")
        if not isinstance(self.reversible, bool):
            raise InvalidInput("reversible", self.reversible, "True or False")
        if not isinstance(self.limits, Mapping):
            raise InvalidInput("limits", self.limits, "(lowest, highest) by quantity")
        for quantity, limits in self.limits.items():
            _check_limits(quantity, limits)


def effectors() -> Registry[EffectorSpec]:
    """The effectors that installed packages declare."""
    return read(GROUP, EffectorSpec)


def _check_limits(quantity: object, limits: object) -> None:
    if not isinstance(quantity, str) or not NAME.fullmatch(quantity):
        raise InvalidInput("limits", quantity, "names of quantities such as pan_rad")
    is_pair = isinstance(limits, tuple) and len(limits) == 2 and all(map(_is_number, limits))
    if not (is_pair and isinstance(limits, tuple) and limits[0] < limits[1]):
        raise InvalidInput(f"limits.{quantity}", limits, "two finite numbers, the lower first")


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(float(str(value)))
