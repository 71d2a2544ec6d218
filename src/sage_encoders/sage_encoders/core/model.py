"""What an encoder needs of the network that it runs."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class DeviceTensor(Protocol):
    """A tensor that others look at where it lies, by DLPack: a mailbox's lease, one of PyTorch."""

    def __dlpack__(self) -> Any: ...

    def __dlpack_device__(self) -> tuple[int, int]:
        """Kind of device (1: host memory, 2: CUDA) and its index."""
        ...


AnyTensor = NDArray[Any] | DeviceTensor
"""What a network reads: of host memory as an array of numpy, else where it lies."""


class Model(Protocol):
    """A network with named inputs and outputs."""

    @property
    def encoder_id(self) -> str:
        """Name, version and the first 12 hex digits of the weights' hash."""
        ...

    def run(self, **inputs: AnyTensor) -> dict[str, NDArray[Any]]:
        """Outputs by name.

        Raises:
            InvalidInput: an input of the wrong name, type or shape, or on a device that the network
                cannot read.
        """
        ...
