"""What an encoder needs of the network that it runs."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class Model(Protocol):
    """A network with named inputs and outputs."""

    @property
    def encoder_id(self) -> str:
        """Name, version and the first 12 hex digits of the weights' hash."""
        ...

    def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Outputs by name.

        Raises:
            InvalidInput: an input of the wrong name, type or shape.
        """
        ...
