"""The base of everything whose state is saved."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from sage_common.core.state.arrays import Arrays
from sage_common.core.state.fields import LEARNED, Declared
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack


class Stateful(Declared):
    """Something that learns, and can be saved and resumed.

    Its state is what it declares in the class body as `State`, `Transient` or `Fixed`; nothing
    else names these attributes for saving. Attributes that are `Stateful` themselves, alone or in
    lists and mappings, are restored in place.
    """

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything learned, as plain arrays; empty if nothing is declared."""
        return pack(self, LEARNED)

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`.

        Raises:
            InvalidInput: not such a state; the field, its value and what was expected are named,
                and nothing is changed.
        """
        unpack(self, state, LEARNED)
