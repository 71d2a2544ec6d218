"""What an encoder needs its network to take and to give, checked when the network is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sage_encoders.core.card import ModelError


@dataclass(frozen=True)
class Tensor:
    """An input or output.

    Attributes:
        dtype: as NumPy names it.
        shape: a number is a fixed size; a word stands for any size.
    """

    dtype: str
    shape: tuple[int | str, ...]

    def takes(self, other: Tensor) -> bool:
        """Whether `other`, of a model, can stand where this one is needed."""
        return (
            self.dtype == other.dtype
            and len(self.shape) == len(other.shape)
            and all(
                wanted == found or (isinstance(wanted, str) and wanted != "")
                for wanted, found in zip(self.shape, other.shape, strict=True)
            )
        )

    def __str__(self) -> str:
        return f"{self.dtype} [{', '.join(str(size) for size in self.shape)}]"


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs by name. A model may give more than these outputs."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]

    @property
    def has_batch_axis(self) -> bool:
        """Whether the first axis of all inputs and outputs is of any size, and the same."""
        tensors = (*self.inputs.values(), *self.outputs.values())
        first = {tensor.shape[0] if tensor.shape else 0 for tensor in tensors}
        return len(first) == 1 and all(isinstance(size, str) and size for size in first)

    def check(self, file: str, found: Signature) -> None:
        """Compare with what a model has.

        Args:
            file: of the model, for the error.
            found: what the model takes and gives.

        Raises:
            ModelError: naming the file, what was found and what was expected.
        """
        if found.inputs.keys() != self.inputs.keys():
            raise ModelError(
                f"{file}: takes {_names(found.inputs)}: expected {_names(self.inputs)}"
            )
        missing = self.outputs.keys() - found.outputs.keys()
        if missing:
            raise ModelError(
                f"{file}: gives {_names(found.outputs)}: expected {_names(self.outputs)}"
            )
        for kind, wanted, has in (
            ("input", self.inputs, found.inputs),
            ("output", self.outputs, found.outputs),
        ):
            for name, tensor in wanted.items():
                if not tensor.takes(has[name]):
                    raise ModelError(f"{file}: {kind} {name} is {has[name]}: expected {tensor}")


def _names(tensors: Mapping[str, Tensor] | Sequence[str]) -> str:
    return ", ".join(sorted(tensors)) or "nothing"
