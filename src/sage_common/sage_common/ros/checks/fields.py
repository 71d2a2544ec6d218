"""What fields of several messages must be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from sage_common.core.errors import InvalidInput

MAX_TEXT_CHARACTERS = 4096
MAX_VECTOR = 65536


def check_finite(field: str, values: Iterable[float]) -> None:
    """Numbers that are all finite.

    Raises:
        InvalidInput: naming the field.
    """
    array = np.asarray(values if isinstance(values, np.ndarray) else list(values), np.float64)
    if not np.isfinite(array).all():
        raise InvalidInput(field, float(array[~np.isfinite(array)][0]), "finite numbers")


def check_unit(field: str, value: float) -> None:
    """A number in [0, 1].

    Raises:
        InvalidInput: naming the field.
    """
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise InvalidInput(field, value, "a number from 0 to 1")


def check_not_negative(field: str, value: float) -> None:
    """A finite number of at least 0.

    Raises:
        InvalidInput: naming the field.
    """
    if not (math.isfinite(value) and value >= 0.0):
        raise InvalidInput(field, value, "a number of at least 0")


def check_not_empty(field: str, value: Any) -> None:
    """Something that has a length above 0.

    Raises:
        InvalidInput: naming the field.
    """
    if len(value) == 0:
        raise InvalidInput(field, value, "not empty")


def check_not_longer(field: str, text: str) -> None:
    """Text of at most 4,096 characters.

    Raises:
        InvalidInput: naming the field.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput(field, f"{len(text)} characters", f"at most {MAX_TEXT_CHARACTERS}")


def check_vector(field: str, values: Any) -> None:
    """float32 [1 to 65,536], finite.

    Raises:
        InvalidInput: naming the field.
    """
    if not 1 <= len(values) <= MAX_VECTOR:
        raise InvalidInput(field, f"{len(values)} values", f"1 to {MAX_VECTOR}")
    check_finite(field, np.frombuffer(values, np.float32))
