"""State as one flat mapping of plain arrays: nested by `section.name`, words and JSON as bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

Arrays = Mapping[str, NDArray[Any]]


def nest(section: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """`arrays` with every name put below `section`."""
    return {f"{section}.{name}": array for name, array in arrays.items()}


def section_of(state: Arrays, section: str) -> dict[str, NDArray[Any]]:
    """What `nest` put below `section`, under the names that it had."""
    head = f"{section}."
    return {name[len(head) :]: array for name, array in state.items() if name.startswith(head)}


def text_array(text: str) -> NDArray[np.uint8]:
    """A string as UTF-8 bytes, uint8 [n]."""
    return np.frombuffer(text.encode(), np.uint8)


def text_of(array: NDArray[Any]) -> str:
    """The string that `text_array` packed."""
    return bytes(np.asarray(array, np.uint8)).decode()


def json_array(value: object) -> NDArray[np.uint8]:
    """Numbers, strings, lists and mappings as JSON, uint8 [n]; floats to the last bit, NaN too.

    Raises:
        TypeError: a value that JSON has not.
    """
    return text_array(json.dumps(value))


def json_of(array: NDArray[Any]) -> Any:
    """What `json_array` packed; tuples have become lists.

    Raises:
        InvalidInput: not JSON in UTF-8.
    """
    try:
        return json.loads(text_of(array))
    except ValueError as error:
        raise InvalidInput(
            "state", bytes(np.asarray(array)[:40]), f"JSON in UTF-8 ({error})"
        ) from error
