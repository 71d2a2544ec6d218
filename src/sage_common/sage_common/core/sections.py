"""Nested state in one flat mapping: `section.name` -> array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


class Stateful(Protocol):
    """Something that learns, and can be saved and resumed."""

    def state(self) -> Arrays:
        """Everything learned."""

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""


def nest(section: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """`arrays` with every name put below `section`."""
    return {f"{section}.{name}": array for name, array in arrays.items()}


def section_of(state: Arrays, section: str) -> dict[str, NDArray[Any]]:
    """What `nest` put below `section`, under the names that it had."""
    head = f"{section}."
    return {name[len(head) :]: array for name, array in state.items() if name.startswith(head)}


def text_array(text: str) -> NDArray[np.uint8]:
    """A string as UTF-8 bytes, uint8 [n]."""
    return np.array(list(text.encode()), np.uint8)


def text_of(array: NDArray[Any]) -> str:
    """The string that `text_array` packed."""
    return bytes(np.asarray(array, np.uint8)).decode()
