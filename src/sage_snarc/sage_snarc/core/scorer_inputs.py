"""Checks of what a scorer is given."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sage_common.core.errors import InvalidInput

LARGEST_STAMP_NS = 2**63
LARGEST_SIZE = 2**20


def check_capacity(capacity: int) -> None:
    """Whether a memory can have so many slots.

    Raises:
        InvalidInput: it cannot.
    """
    if not isinstance(capacity, Integral) or capacity < 1:
        raise InvalidInput("capacity", capacity, "an integer >= 1")


def checked_stamp(stamp_ns: int) -> int:
    """A stamp as a plain integer [ns].

    Raises:
        InvalidInput: not an integer of 64 bits.
    """
    try:
        stamp = operator.index(stamp_ns)
    except TypeError:
        raise InvalidInput("stamp_ns", stamp_ns, "an integer, nanoseconds") from None
    if not -LARGEST_STAMP_NS <= stamp < LARGEST_STAMP_NS:
        raise InvalidInput("stamp_ns", stamp, "nanoseconds in 64 bits")
    return stamp


def checked_vector(field: str, vector: ArrayLike) -> NDArray[np.float32]:
    """`vector` as float32 [n], n >= 1.

    Raises:
        InvalidInput: not numbers, not one-dimensional, empty, not finite, or beyond 1e15 (squares
            of float32 must stay finite).
    """
    try:
        checked = np.asarray(vector, np.float32)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(field, vector, "a vector of numbers") from None
    if checked.ndim != 1 or checked.size == 0:
        raise InvalidInput(field, list(checked.shape), "a vector [n] with n >= 1")
    largest = float(np.abs(checked).max())
    if not largest <= 1e15:
        raise InvalidInput(field, largest, "finite numbers up to 1e15")
    return checked


def check_size(field: str, vector: NDArray[np.float32], size: int) -> None:
    """Whether a vector is of the size of the first one.

    Raises:
        InvalidInput: it is not.
    """
    if vector.size != size:
        raise InvalidInput(field, f"{vector.size} components", f"{size}, as in the first sample")


def checked_size(field: str, packed: object) -> int:
    """The size of the vectors in the packed state of a stream, which is about to be made.

    Raises:
        InvalidInput: it has none, or one that no stream can have.
    """
    size = packed.get("size") if isinstance(packed, Mapping) else None
    if type(size) is not int or not 1 <= size <= LARGEST_SIZE:
        raise InvalidInput(field, size, f"an integer from 1 to {LARGEST_SIZE}")
    return size
